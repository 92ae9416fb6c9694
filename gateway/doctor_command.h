// `delvegate doctor`: what is wrong on this host, and what mends it.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

void add_doctor_command(CLI::App& app, int& exit_code);

}  // namespace gateway
