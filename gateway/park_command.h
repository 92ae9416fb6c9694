// `delvegate park` and `unpark`: a stop that is held on purpose.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

void add_park_commands(CLI::App& app, int& exit_code);

}  // namespace gateway
