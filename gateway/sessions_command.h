// `delvegate sessions`: who debugs what by the gateway of this host, and ending it.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

// Sets exit_code when the command has run.
void add_sessions_command(CLI::App& app, int& exit_code);

}  // namespace gateway
