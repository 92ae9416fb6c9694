// `delvegate baton`: who may run a program that several people debug.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

void add_baton_command(CLI::App& app, int& exit_code);

}  // namespace gateway
