// What go-yaml v2, which the kubelet reads with, takes a plain scalar for.
#pragma once

#include <string_view>

#include "launcher/yaml_document.h"

namespace launcher {

yaml_value::kind classify_plain_scalar(std::string_view text);

// Of a scalar that is a boolean.
bool yaml_truth(std::string_view text);

}  // namespace launcher
