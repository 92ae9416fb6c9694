// `delvegate ide vscode|goland|neovim`: writes what an IDE reads to debug a component by F5.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

// Adds the subcommand to `app`; when it is the one given, parsing runs it and sets `exit_code`.
void add_ide_command(CLI::App& app, int& exit_code);

}  // namespace gateway
