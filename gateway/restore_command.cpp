// `delvegate restore`: by the launcher, or without one by the engine itself.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "gateway/component_commands.h"
#include "gateway/component_report.h"
#include "gateway/launcher_place.h"
#include "launcher/plan_json.h"
#include "launcher/state_lock.h"

namespace gateway {
namespace {

using protocol::json;

struct arguments {
    launcher_place where;
    std::string component;
    std::string output = "text";
    bool keep_theirs = false;
    bool put_back_ours = false;
    bool left_behind = false;
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

int show(const json::array& reports, const std::string& output) {
    bool fine = true;
    for (const json& one : reports) fine = fine && (one.get_bool("restored") || one.get_bool("nothingToDo"));
    if (output == "json")
        std::printf("%s\n", protocol::to_text(json(json::object{{"reports", reports}})).c_str());
    else
        std::fputs(restore_text(reports).c_str(), stdout);
    return fine ? 0 : 1;
}

int leave_it_to_the_launcher() {
    std::fputs("the launcher runs, and sees to it itself\n", stderr);
    return 0;
}

int without_launcher(const arguments& a, const launcher::launcher_config& configuration, launcher::decision decide,
                     const launcher::manager_factory& make) {
    if (::geteuid() != 0) return complain("no launcher answers, and without one only root can restore: sudo delvegate restore " + a.component, 1);
    bool launcher_has_it = false;
    const auto lock = launcher::take_state_lock(configuration.state_directory, launcher::lock_holder::restore, launcher_has_it);
    // It is being started, and puts back at its start what is left behind: `systemctl enable --now` of both begins them together.
    if (!lock && launcher_has_it && a.left_behind) return leave_it_to_the_launcher();
    if (!lock) return complain(lock.error(), 1);
    auto manager = make(configuration);
    if (!manager) return complain(manager.error(), 1);
    progress_lines lines;
    const auto step = [&lines](const launcher::progress_step& one) { lines.show(one.component, one.text); };
    launcher::lifecycle_request request;
    request.by = "root";
    request.decide = decide;
    json::array reports;
    if (a.left_behind) {
        for (const auto& one : (*manager)->recover(step)) reports.push_back(launcher::to_json(one));
        return show(reports, a.output);
    }
    const auto done = (*manager)->restore(a.component, request, step);
    if (!done) return complain(done.error(), 1);
    for (const auto& one : *done) reports.push_back(launcher::to_json(one));
    return show(reports, a.output);
}

int run(const arguments& a, const launcher::manager_factory& make) {
    if (!a.component.empty() && !launcher::is_component_name(a.component))
        return complain("\"" + a.component + "\" is no component's name: lower-case letters, digits and inner hyphens", 2);
    auto decide = launcher::decision::none;
    if (a.keep_theirs) decide = launcher::decision::keep_theirs;
    if (a.put_back_ours) decide = launcher::decision::put_back_ours;
    if (decide != launcher::decision::none && a.component.empty())
        return complain("--keep-theirs and --put-back-ours are said of one component; name it", 2);
    const auto read = a.where.configuration();
    // A mistake in launcher.yaml must not keep a component away: what is held says itself where it belongs.
    const auto configuration = read ? *read : launcher::salvage_launcher_config(a.where.config_file);
    if (!read)
        std::fprintf(stderr, "delvegate: warning: %s; going on with what of it can be used, and with what is found on the disk\n",
                     read.error().c_str());
    launcher::launcher_request request;
    request.verb = launcher::launcher_verb::restore;
    request.component = a.component;
    request.decide = decide;
    if (a.left_behind) request = {};  // status: a launcher that answers has done it at its start
    if (a.where.gateway.given() && a.component.empty()) return complain("through a gateway one component is restored at a time; name it", 2);
    if (a.where.gateway.given() && a.left_behind) return complain("--left-behind is for the node", 2);
    // Without a launcher this is the node's own matter: only a gateway that is named is asked.
    const auto answer = a.where.gateway.given() ? a.where.ask(configuration.socket, request) : ask_launcher(configuration.socket, request);
    if (answer && a.left_behind) return leave_it_to_the_launcher();
    if (answer) {
        const json* reports = answer->result.find("reports");
        if (!reports || !reports->if_array()) return complain("the launcher's answer cannot be read; is it another version?", 1);
        return show(*reports->if_array(), a.output);
    }
    const auto& failure = answer.error();
    // What a gateway could not do is not to be done here instead.
    if (a.where.gateway.given() || !failure.unreachable || failure.fault == launcher::launcher_fault::refused)
        return complain(failure.text, failure.usage ? 2 : 1);
    const int code = without_launcher(a, configuration, decide, make);
    // What only the unusable part speaks of may still be out, and no launcher can look after anything.
    if (!read) return complain(read.error() + "; mend it, and run this again: delvegate launcher --check says whether it is right", 1);
    return code;
}

constexpr const char* footer = R"(
Without a component: all that is taken out. Where somebody changed meanwhile
what is to be put back, nothing is overwritten: both versions are named, with
the commands that decide. Works with a launcher.yaml that cannot be used, too. Works with the launcher and the gateway dead.

Examples:
  delvegate restore
  delvegate restore kube-scheduler
  delvegate restore kube-scheduler --keep-theirs
  delvegate restore kube-scheduler --gateway node1.example:7443    # from a laptop

Exit codes: 0 everything is as it was before; 1 something is not, and what to
do; 2 command line.)";

}  // namespace

void add_restore_command(CLI::App& app, int& exit_code, launcher::manager_factory make) {
    const auto a = std::make_shared<arguments>();
    auto* command = app.add_subcommand("restore", "Put back what is taken out of this node, whatever happened");
    command->footer(footer);
    auto* component = command->add_option("COMPONENT", a->component, "One only");
    command->add_option("--output", a->output, "text, or json for scripts")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    a->where.add_options(*command);
    a->where.add_remote_options(*command);
    auto* theirs = command->add_flag("--keep-theirs", a->keep_theirs, "Root on the node only: what lies there now stays; ours is kept beside it");
    auto* ours = command->add_flag("--put-back-ours", a->put_back_ours, "Root on the node only: ours comes back; theirs is kept beside it")
                     ->excludes(theirs);
    command->add_flag("--left-behind", a->left_behind, "Only what nobody runs any more: for the boot")
        ->excludes(theirs)
        ->excludes(ours)
        ->excludes(component);
    command->callback([a, make = std::move(make), &exit_code] { exit_code = run(*a, make); });
}

}  // namespace gateway
