// The one binary: `serve` on the node, `connect` on the laptop.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "gateway/connect_command.h"
#include "gateway/serve_command.h"
#include "gateway/status_command.h"

namespace {

constexpr int usage_error = 2;

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Debug Go programs on other hosts: Delve for IDEs, over mutual TLS.", "delvegate");
    app.require_subcommand(1);
    app.set_version_flag("--version", "delvegate " DELVEGATE_VERSION);
    app.footer("\nExample:\n  delvegate serve --exec ./program\n  delvegate connect program --gateway node1:7443\n\n"
               "Each subcommand has --help with its exit codes.");

    int exit_code = 0;
    gateway::add_serve_command(app, exit_code);
    gateway::add_connect_command(app, exit_code);
    gateway::add_status_command(app, exit_code);
    app.add_subcommand("version", "Print the version")->footer("\nExample:\n  delvegate version")->callback([] {
        std::puts("delvegate " DELVEGATE_VERSION);
    });
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
        std::fprintf(stderr, "delvegate: %s; see delvegate --help\n", error.what());
        return usage_error;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "delvegate: %s\n", error.what());
        return 1;
    }
    return exit_code;
}
