// `delvegate signer`: the process that `serve` starts for itself; not in the help.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

// Adds the subcommand to `app`; when it is the one given, parsing runs it, and the process ends there.
void add_signer_command(CLI::App& app);

}  // namespace gateway
