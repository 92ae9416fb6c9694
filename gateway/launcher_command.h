// `delvegate launcher`: the process on the node that has the privilege.
#pragma once

#include <CLI/CLI.hpp>

#include "launcher/launcher_process.h"

namespace gateway {

void add_launcher_command(CLI::App& app, int& exit_code, launcher::manager_factory make);

}  // namespace gateway
