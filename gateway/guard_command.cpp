#include "gateway/guard_command.h"

#include <cstdio>
#include <memory>

#include "launcher/guard.h"

namespace gateway {
namespace {

constexpr int inherited_socket = 3;

int run(int socket) {
    const auto settings = launcher::receive_guard_settings(socket);
    if (!settings) {
        std::fprintf(stderr, "delvegate: %s\n", settings.error().c_str());
        return 1;
    }
    return launcher::run_guard(*settings);
}

constexpr const char* footer = R"(
Example:
  delvegate guard --settings-fd 3

Exit codes: 0 dlv is gone or the launcher ended it; 1 it could not begin; 2 command line.)";

}  // namespace

void add_guard_command(CLI::App& app, int& exit_code) {
    const auto socket = std::make_shared<int>(inherited_socket);
    auto* guard = app.add_subcommand("guard", "Stand between the gateway and one component's dlv; started by the launcher");
    guard->group("");
    guard->footer(footer);
    guard->add_option("--settings-fd", *socket, "connected socket that the settings come on")
        ->type_name("FD")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    guard->callback([socket, &exit_code] { exit_code = run(*socket); });
}

}  // namespace gateway
