#include "gateway/launcher_command.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "gateway/launcher_place.h"
#include "gateway/output_option.h"

namespace gateway {
namespace {

struct arguments {
    launcher_place where;
    bool print_default = false;
    bool print_reference = false;
    bool check = false;
    std::string output = "text";
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

int run(const arguments& a, const launcher::manager_factory& make) {
    if (a.print_default) {
        const std::string text = launcher::default_launcher_config_text();
        say(a.output, text, protocol::json::object{{"yaml", text}});
        return 0;
    }
    if (a.print_reference) {
        const std::string text = launcher::launcher_config_reference();
        say(a.output, text, protocol::json::object{{"markdown", text}});
        return 0;
    }
    // Unlike those who ask, the launcher does nothing without its file.
    const auto configuration = launcher::read_launcher_config(a.where.config_file);
    if (!configuration) return complain(configuration.error(), 2);
    if (a.check) {
        protocol::json::array names;
        for (const auto& one : configuration->components) names.push_back(one.name);
        say(a.output, a.where.config_file + ": good; components: " + std::to_string(configuration->components.size()) + "\n",
            protocol::json::object{{"file", a.where.config_file}, {"good", true}, {"components", std::move(names)}});
        return 0;
    }
    const auto ended = launcher::run_launcher(*configuration, make, [](const std::string& line) {
        std::fprintf(stderr, "launcher: %s\n", line.c_str());  // the journal has the time
    });
    return ended ? 0 : complain(ended.error(), 1);
}

constexpr const char* footer = R"(
systemd runs it (delvegate-launcher.service). It acts only on the components
that root defined in its configuration, and for nobody but root and the
gateway's user.

Examples:
  delvegate launcher --print-default-config > /etc/delvegate/launcher.yaml
  delvegate launcher --check

SIGTERM ends it; what is taken out stays as it is. Its configuration is read at
its start.

Exit codes: 0 ended; 1 this host would not let it; 2 command line or
configuration.)";

}  // namespace

void add_launcher_command(CLI::App& app, int& exit_code, launcher::manager_factory make) {
    const auto a = std::make_shared<arguments>();
    auto* command = app.add_subcommand("launcher", "Take components out, run them under dlv, put them back: root's process on the node");
    command->footer(footer);
    a->where.add_options(*command);
    command->add_flag("--print-default-config", a->print_default, "Print every key with its default and end");
    command->add_flag("--print-reference", a->print_reference, "Print the meaning of every key, as Markdown, and end");
    command->add_flag("--check", a->check, "Read the configuration and end");
    add_output_option(*command, a->output, "text, or json for scripts, of --check and of what is printed");
    command->callback([a, make = std::move(make), &exit_code] { exit_code = run(*a, make); });
}

}  // namespace gateway
