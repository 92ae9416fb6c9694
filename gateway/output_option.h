// `--output text|json`, which every command has, and what is said by it.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "protocol/json.h"

namespace gateway {

// `output` is "text" before and "text" or "json" after.
void add_output_option(CLI::App& command, std::string& output, const std::string& about = "text, or json for scripts");

// To standard output: `text`, which may have several lines and ends with a line feed unless it is empty, or `value` as one line.
void say(const std::string& output, const std::string& text, const protocol::json& value);

}  // namespace gateway
