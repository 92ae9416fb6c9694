// `delvegate inspect`, `start`, `stop`, `restore`, `arm` and `disarm`: on the node by the launcher's socket; but for the last
// two, from a laptop by a gateway's control API.
#pragma once

#include <CLI/CLI.hpp>

#include "launcher/launcher_process.h"

namespace gateway {

void add_inspect_command(CLI::App& app, int& exit_code);
void add_start_command(CLI::App& app, int& exit_code);
void add_stop_command(CLI::App& app, int& exit_code);
void add_arm_commands(CLI::App& app, int& exit_code);
// Works without a launcher as well: with the engine that `make` makes.
void add_restore_command(CLI::App& app, int& exit_code, launcher::manager_factory make);

}  // namespace gateway
