// The component subcommands of delvegate over a manager that takes nothing out: everything between the command line and the engine
// is real. What the engine is asked goes to $FAKE_LAUNCHER_SEEN; while $FAKE_LAUNCHER_HOLD exists, a start takes no end.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <thread>

#include "gateway/component_commands.h"
#include "gateway/launcher_command.h"
#include "launcher/launcher_wire.h"
#include "protocol/json.h"
#include "tests/support/fake_manager.h"

namespace {

class noted_manager : public support::fake_manager {
public:
    using fake_manager::fake_manager;

    launcher::outcome<launcher::component_status> start(const std::string& name, const launcher::lifecycle_request& request,
                                                        const launcher::progress_callback& progress) override {
        const char* held = std::getenv("FAKE_LAUNCHER_HOLD");
        if (held) progress({launcher::component_state::starting, name, "held"});
        while (held && ::access(held, F_OK) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        auto out = fake_manager::start(name, request, progress);
        tell();
        return out;
    }
    launcher::outcome<launcher::component_status> stop(const std::string& name, const launcher::lifecycle_request& request,
                                                       const launcher::progress_callback& progress) override {
        auto out = fake_manager::stop(name, request, progress);
        tell();
        return out;
    }
    launcher::outcome<std::vector<launcher::restore_report>> restore(const std::string& name,
                                                                     const launcher::lifecycle_request& request,
                                                                     const launcher::progress_callback& progress) override {
        auto out = fake_manager::restore(name, request, progress);
        tell();
        return out;
    }
    std::vector<launcher::restore_report> recover(const launcher::progress_callback& progress) override {
        auto out = fake_manager::recover(progress);
        tell();
        return out;
    }

private:
    void tell() {
        const char* file = std::getenv("FAKE_LAUNCHER_SEEN");
        if (!file) return;
        std::ofstream out(file);
        for (const auto& line : seen()) out << line << "\n";
    }
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("delvegate's component commands over a fake engine", "fake_launcher");
    app.require_subcommand(1);
    const launcher::manager_factory make = [](const launcher::launcher_config& configuration) {
        return launcher::outcome<std::unique_ptr<launcher::component_manager>>(boost::system::in_place_value,
                                                                              std::make_unique<noted_manager>(configuration));
    };
    int exit_code = 0;
    // Every verb with its members, as the launcher reads them: what a compromised gateway has to play with.
    app.add_subcommand("verbs", "")->callback([] {
        protocol::json::array all;
        for (const auto& row : launcher::launcher_verbs()) {
            const auto names = [](const auto& list) {
                protocol::json::array out;
                for (const auto& one : list) out.emplace_back(one);
                return out;
            };
            all.push_back(protocol::json::object{{"verb", row.name}, {"needs", names(row.needs)}, {"may", names(row.may)}});
        }
        std::printf("%s\n", protocol::to_text(protocol::json(std::move(all))).c_str());
    });
    gateway::add_inspect_command(app, exit_code);
    gateway::add_start_command(app, exit_code);
    gateway::add_stop_command(app, exit_code);
    gateway::add_restore_command(app, exit_code, make);
    gateway::add_arm_commands(app, exit_code);
    gateway::add_launcher_command(app, exit_code, make);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        std::fprintf(stderr, "delvegate: %s\n", error.what());
        return 2;
    }
    return exit_code;
}
