// `delvegate policy`: check a policy file, and ask what it decides, without a gateway.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

void add_policy_command(CLI::App& app, int& exit_code);

}  // namespace gateway
