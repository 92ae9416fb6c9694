// The record beside a held manifest, as JSON that a person can read too: a member a line.
#pragma once

#include <string>
#include <string_view>

#include "launcher/held_manifest.h"

namespace launcher {

std::string held_record_text(const held_record& record);

// Strict: every member is there and of its kind. The error says what is wrong, without naming the file.
outcome<held_record> parse_held_record(std::string_view text);

}  // namespace launcher
