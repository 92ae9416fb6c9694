// `delvegate pin` and `delvegate unpin`: breakpoints that stay when whoever set them leaves.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

void add_pin_commands(CLI::App& app, int& exit_code);

}  // namespace gateway
