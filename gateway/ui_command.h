// `delvegate ui`: the gateway's web page in this laptop's browser.
#pragma once

#include <CLI/CLI.hpp>

namespace gateway {

void add_ui_command(CLI::App& app, int& exit_code);

}  // namespace gateway
