#include "gateway/doctor_command.h"

#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include "gateway/doctor.h"

namespace gateway {
namespace {

struct arguments {
    node_place node;
    doctor_laptop_place laptop;
    bool only_node = false, only_laptop = false;
    std::string output = "text";
};

int run(const arguments& a) {
    const bool node = a.only_node || (!a.only_laptop && is_node(a.node));
    const bool laptop = a.only_laptop || (!a.only_node && is_laptop(a.laptop));
    const long long now = std::time(nullptr);
    diagnoses all;
    if (node) all = check_node(a.node, now);
    if (laptop)
        for (auto& one : check_laptop(a.laptop, now)) all.push_back(std::move(one));
    if (!node && !laptop)
        all.push_back({"this host", verdict::skipped, "it is no node (no configuration) and no laptop (no context)",
                       "`delvegate serve --exec PROGRAM` makes it a node, `delvegate enroll` a laptop"});
    all.push_back(check_clock());
    all.push_back(judge_exposed(launcher::find_dlv_listeners()));
    if (a.output == "json")
        std::printf("%s\n", protocol::to_text(doctor_json(all)).c_str());
    else
        std::fputs(doctor_text(all).c_str(), stdout);
    return any_failed(all) ? 1 : 0;
}

constexpr const char* footer = R"(
Each check has a verdict (ok, warn, fail, or skipped with the reason), and where
something is wrong the command that mends it. Nothing is changed, and nothing that
is secret is printed. A host with a configuration, a gateway or a launcher is
checked as a node, one with contexts as a laptop, and one with both as both; on a
node as root, for who else may not see everything.

Examples:
  sudo delvegate doctor
  delvegate doctor --laptop --gateway node1.example:7443
  delvegate doctor --output json

Exit codes: 0 nothing has failed (there may be warnings); 1 something has;
2 command line.)";

}  // namespace

void add_doctor_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* doctor = app.add_subcommand("doctor", "Find out what is wrong on this host, and what mends it");
    doctor->footer(footer);
    auto* node = doctor->add_flag("--node", a->only_node, "Check it as a node only");
    doctor->add_flag("--laptop", a->only_laptop, "Check it as a laptop only")->excludes(node);
    doctor->add_option("--output", a->output, "text, or json for scripts")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    a->node.gateway.add_options(*doctor);
    auto* launcher = doctor->add_option("--launcher-config", a->node.launcher_config, "The configuration of the node's launcher")
        ->type_name("FILE")
        ->capture_default_str();
    doctor->add_option("--folder", a->laptop.folder, "The folder that an IDE opens [this one]")->type_name("DIR");
    a->laptop.gateway.add_options(*doctor);
    doctor->callback([a, launcher, &exit_code] {
        a->node.launcher_named = launcher->count() > 0;
        exit_code = run(*a);
    });
}

}  // namespace gateway
