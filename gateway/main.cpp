// The one binary: `serve` on the node, `connect` on the laptop.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "gateway/baton_command.h"
#include "gateway/completion_command.h"
#include "gateway/connect_command.h"
#include "gateway/context_command.h"
#include "gateway/enroll_command.h"
#include "gateway/ide_command.h"
#include "gateway/output_option.h"
#include "gateway/park_command.h"
#include "gateway/pin_command.h"
#include "gateway/sessions_command.h"
#include "gateway/ui_command.h"
#ifndef DELVEGATE_CLIENT_ONLY
#include "gateway/audit_command.h"
#include "gateway/ca_command.h"
#include "gateway/component_commands.h"
#include "gateway/doctor_command.h"
#include "gateway/guard_command.h"
#include "gateway/launcher_command.h"
#include "gateway/policy_command.h"
#include "gateway/serve_command.h"
#include "gateway/signer_command.h"
#include "gateway/status_command.h"
#include "gateway/token_command.h"
#endif

namespace {

constexpr int usage_error = 2;

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Debug Go programs on other hosts: Delve for IDEs, over mutual TLS.", "delvegate");
    app.require_subcommand(1);
    app.set_version_flag("--version", "delvegate " DELVEGATE_VERSION);
    app.footer("\nExample:\n"
#ifndef DELVEGATE_CLIENT_ONLY
               "  delvegate serve --exec ./program\n"
#endif
               "  delvegate connect program --gateway node1:7443\n\n"
               "Each subcommand has --help with its exit codes.");

    int exit_code = 0;
#ifndef DELVEGATE_CLIENT_ONLY
    gateway::add_serve_command(app, exit_code);
#endif
    gateway::add_connect_command(app, exit_code);
    gateway::add_ide_command(app, exit_code);
    gateway::add_enroll_command(app, exit_code);
    gateway::add_context_command(app, exit_code);
#ifndef DELVEGATE_CLIENT_ONLY
    gateway::add_inspect_command(app, exit_code);
    gateway::add_start_command(app, exit_code);
    gateway::add_stop_command(app, exit_code);
    gateway::add_restore_command(app, exit_code, launcher::make_component_manager);
    gateway::add_arm_commands(app, exit_code);
    gateway::add_launcher_command(app, exit_code, launcher::make_component_manager);
    gateway::add_status_command(app, exit_code);
    gateway::add_ca_command(app, exit_code);
    gateway::add_token_command(app, exit_code);
    gateway::add_signer_command(app);
    gateway::add_guard_command(app, exit_code);
    gateway::add_audit_command(app, exit_code);
    gateway::add_policy_command(app, exit_code);
    gateway::add_doctor_command(app, exit_code);
#endif
    gateway::add_completion_command(app, exit_code);
    gateway::add_sessions_command(app, exit_code);
    gateway::add_baton_command(app, exit_code);
    gateway::add_park_commands(app, exit_code);
    gateway::add_pin_commands(app, exit_code);
    gateway::add_ui_command(app, exit_code);
    std::string output = "text";
    auto* version = app.add_subcommand("version", "Print the version")->footer("\nExample:\n  delvegate version");
    gateway::add_output_option(*version, output);
    version->callback([&output] {
        gateway::say(output, "delvegate " DELVEGATE_VERSION "\n", protocol::json::object{{"name", "delvegate"}, {"version", DELVEGATE_VERSION}});
    });
    if (argc > 1 && argv[1] == gateway::complete_words) return gateway::run_complete_words(app, argc - 2, argv + 2);
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
