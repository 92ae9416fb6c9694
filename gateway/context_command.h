// `delvegate context list|use|delete`: the gateways this laptop has enrolled with.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

// Adds the subcommand to `app`; when it is the one given, parsing runs it and sets `exit_code`.
void add_context_command(CLI::App& app, int& exit_code);

}  // namespace gateway
