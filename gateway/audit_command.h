// `delvegate audit verify` and `delvegate audit show`: reading what a gateway has recorded.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

// Adds the subcommand to `app`; when it is the one given, parsing runs it and sets `exit_code`.
void add_audit_command(CLI::App& app, int& exit_code);

}  // namespace gateway
