// `delvegate guard`: the guard's process. Started by the launcher only; not in --help.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

// Adds the hidden subcommand to `app`; when it is the one given, parsing runs it and sets `exit_code`.
void add_guard_command(CLI::App& app, int& exit_code);

}  // namespace gateway
