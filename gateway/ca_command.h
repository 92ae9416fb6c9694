// `delvegate ca`: the certificate authority of a node, by hand.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

// Adds the subcommand to `app`; when it is the one given, parsing runs it and sets `exit_code`.
void add_ca_command(CLI::App& app, int& exit_code);

}  // namespace gateway
