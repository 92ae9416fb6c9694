// `delvegate status`: asks the gateway of this host through its Unix socket.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

// Adds the subcommand to `app`; when it is the one given, parsing runs it and sets `exit_code`.
void add_status_command(CLI::App& app, int& exit_code);

}  // namespace gateway
