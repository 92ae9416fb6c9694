#include "gateway/component_commands.h"

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/component_report.h"
#include "gateway/inspect_report.h"
#include "gateway/launcher_place.h"
#include "launcher/config_values.h"

namespace gateway {
namespace {

using launcher::launcher_request;
using launcher::launcher_verb;
using protocol::json;

// More than the gateway's interval of asking its launcher.
constexpr std::chrono::milliseconds gateway_looks{1500};

constexpr int failed = 1, usage = 2, plan_refuses = 3, not_known = 4;

struct arguments {
    launcher_place where;
    std::string component;
    std::string output = "text";
    std::string plan;
    std::string armed_for = "2h";
    bool stop_on_entry = false;
    bool dry_run = false;
    std::vector<launcher::force> forces;
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

int complain(const place_failure& failure) { return complain(failure.text, failure.usage ? usage : failed); }

void add_common(CLI::App& command, const std::shared_ptr<arguments>& a) {
    command.add_option("COMPONENT", a->component, "Its name in launcher.yaml")->required();
    command.add_option("--output", a->output, "text, or json for scripts")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    a->where.add_options(command);
}

// Where to ask; an error of the command line has been told.
std::string socket_of(const arguments& a, int& code) {
    if (!launcher::is_component_name(a.component)) {
        code = complain("\"" + a.component + "\" is no component's name: lower-case letters, digits and inner hyphens", usage);
        return {};
    }
    const auto configuration = a.where.configuration();
    if (configuration) return configuration->socket;
    if (a.where.gateway.given()) return launcher::launcher_config{}.socket;
    code = complain(configuration.error(), usage);
    return {};
}

void print_json(const json& value) { std::printf("%s\n", protocol::to_text(value).c_str()); }

int inspect(const arguments& a) {
    int code = 0;
    const std::string socket = socket_of(a, code);
    if (socket.empty()) return code;
    launcher_request request;
    request.verb = launcher_verb::inspect;
    request.component = a.component;
    const auto answer = a.where.ask(socket, request);
    if (!answer) return complain(answer.error());
    if (a.output == "json")
        print_json(answer->result);
    else
        std::fputs(inspect_report(answer->result).c_str(), stdout);
    return answer->result.get_bool("refused") ? plan_refuses : 0;
}

// A start that failed was undone; unless the launcher's status says otherwise, or nobody says.
int after_failure(const arguments& a, const std::string& socket, const place_failure& failure) {
    using launcher::launcher_fault;
    if (failure.usage || (!failure.unreachable && failure.fault != launcher_fault::failed)) return complain(failure);
    const auto trouble = [&](const std::string& what) {
        return complain(failure.text + "; " + what + ": delvegate status " + a.component, not_known);
    };
    launcher_request request;
    if (a.where.remote(socket)) {
        request.component = a.component;
        std::this_thread::sleep_for(gateway_looks);  // what it knows may be from before
    }
    const auto answer = a.where.ask(socket, request);
    const json* all = answer ? &answer->result : nullptr;
    if (all && !all->if_array()) all = all->find("components");
    if (all && all->if_array())
        for (const json& one : *all->if_array()) {
            if (one.get_string("name") != a.component) continue;
            // Through a gateway it is the gateway's report, with the launcher's inside.
            const json* life = one.find("launcher");
            if (!life) life = &one;
            const auto state = launcher::component_state_named(life->get_string("state"));
            if (!state || !life->get_string("trouble").empty()) break;
            using launcher::component_state;
            const bool in_place = *state == component_state::available || *state == component_state::returned ||
                                  *state == component_state::failed;
            if (in_place && !life->get_bool("detached")) return complain(failure);
            return trouble("it is not as it was; see");
        }
    return trouble("what became of it is not known; see");
}

int start(const arguments& a) {
    if (a.dry_run) return inspect(a);
    int code = 0;
    const std::string socket = socket_of(a, code);
    if (socket.empty()) return code;
    launcher_request request;
    request.component = a.component;
    // The plan first: it says what undoes it by hand, which must be on the screen before anything is changed; and what is
    // started is what has been shown.
    request.verb = launcher_verb::inspect;
    const auto plan = a.where.ask(socket, request);
    if (!plan) return complain(plan.error());
    const std::string hash(plan->result.get_string("hash"));
    if (!a.plan.empty() && a.plan != hash)
        return complain("the plan of now is " + hash + ", not " + a.plan + ": something changed since; look again with: delvegate inspect " +
                            a.component, failed);
    if (plan->result.get_bool("refused") && a.forces.empty()) {
        std::fputs(findings_text(plan->result).c_str(), stderr);
        return complain(a.component + " cannot be started as things are; nothing was changed", plan_refuses);
    }
    if (!hash.starts_with("sha256:") || !launcher::is_hash(std::string_view(hash).substr(7)))
        return complain("the launcher's plan has no hash; is it another version?", failed);
    std::fputs(findings_text(plan->result).c_str(), stderr);
    std::fputs(undo_text(plan->result).c_str(), stderr);

    request.verb = launcher_verb::start;
    request.plan = hash.substr(7);
    request.stop_on_entry = a.stop_on_entry;
    request.forces = a.forces;
    const auto answer = a.where.ask(socket, request);
    if (!answer) return after_failure(a, socket, answer.error());
    if (a.output == "json") {
        json out = answer->result;
        if (const json* undo = plan->result.find("undoByHand")) out.set("undoByHand", *undo);
        print_json(out);
    } else {
        std::fputs(component_status_text(answer->result).c_str(), stdout);
    }
    return 0;
}

int stop(const arguments& a) {
    int code = 0;
    const std::string socket = socket_of(a, code);
    if (socket.empty()) return code;
    launcher_request request;
    request.verb = launcher_verb::stop;
    request.component = a.component;
    const auto answer = a.where.ask(socket, request);
    if (!answer) {
        auto failure = answer.error();
        if (failure.unreachable && !a.where.remote(socket)) failure.text += "; without a launcher: delvegate restore " + a.component;
        return complain(failure);
    }
    if (a.output == "json")
        print_json(answer->result);
    else
        std::fputs(component_status_text(answer->result).c_str(), stdout);
    return answer->result.get_bool("detached") ? failed : 0;
}

int arm(const arguments& a, launcher_verb verb) {
    int code = 0;
    const std::string socket = socket_of(a, code);
    if (socket.empty()) return code;
    launcher_request request;
    request.verb = verb;
    request.component = a.component;
    if (verb == launcher_verb::arm) {
        const auto time = launcher::parse_duration(a.armed_for);
        if (!time) return complain("--for: " + time.error(), usage);
        request.duration = std::chrono::duration_cast<std::chrono::seconds>(*time);
        if (request.duration < std::chrono::seconds(1) || request.duration != *time)
            return complain("--for: give whole seconds, at least 1s", usage);
    }
    const auto answer = a.where.ask(socket, request);
    if (!answer) return complain(answer.error());
    if (a.output == "json")
        print_json(answer->result);
    else
        std::fputs(armed_line(answer->result).c_str(), stdout);
    return 0;
}

constexpr const char* inspect_footer = R"(
Nothing is changed, and nothing of the component is executed. The hash at the
end names this very plan: `start --plan HASH` does it, or nothing.

Examples:
  delvegate inspect kube-scheduler
  delvegate inspect kube-scheduler --gateway node1.example:7443    # from a laptop

Exit codes: 0 it could be started; 1 the launcher did not tell; 2 command line
or configuration; 3 it cannot be started as things are, and why.)";

constexpr const char* start_footer = R"(
The component is taken out of its place and runs under dlv in its stead, until
`delvegate stop`. What undoes it by hand is printed first.

Examples:
  delvegate start kube-scheduler
  delvegate start kube-scheduler --dry-run
  delvegate start kube-scheduler --stop-on-entry
  delvegate start kube-scheduler --gateway node1.example:7443      # from a laptop

Exit codes: 0 it runs under dlv and its health answers (or it waits at its
entry); 1 it does not, and everything is as it was; 2 command line or
configuration; 3 it cannot be started as things are, nothing was changed;
4 it does not, and is not put back, or nobody knows.)";

constexpr const char* stop_footer = R"(
The component is ended gracefully; then what was there before comes back.

Examples:
  delvegate stop kube-scheduler
  delvegate stop kube-scheduler --gateway node1.example:7443       # from a laptop

Exit codes: 0 it is back; 1 it is not, and what to do; 2 command line or
configuration.)";

constexpr const char* arm_footer = R"(
Root on the node only. While a component is armed, whoever has the class
lifecycle for it may start it through the gateway. A reboot disarms.

Example:
  sudo delvegate arm kube-scheduler --for 2h

Exit codes: 0 armed; 1 not; 2 command line or configuration.)";

constexpr const char* disarm_footer = R"(
What has been started goes on.

Example:
  sudo delvegate disarm kube-scheduler

Exit codes: 0 disarmed; 1 not; 2 command line or configuration.)";

}  // namespace

void add_inspect_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* command = app.add_subcommand("inspect", "Show what `start` would do to a component of this node, and change nothing");
    command->footer(inspect_footer);
    add_common(*command, a);
    a->where.add_remote_options(*command);
    command->callback([a, &exit_code] { exit_code = inspect(*a); });
}

void add_start_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* command = app.add_subcommand("start", "Take a component of this node out and run it under dlv");
    command->footer(start_footer);
    add_common(*command, a);
    a->where.add_remote_options(*command);
    command->add_flag("--dry-run", a->dry_run, "As `delvegate inspect`");
    command->add_option("--plan", a->plan, "Only if the plan is still this one, from `delvegate inspect`")->type_name("HASH");
    command->add_flag("--stop-on-entry", a->stop_on_entry, "Wait at the program's entry for a debugger");
    for (const launcher::force one : launcher::all_forces())
        command->add_flag_callback("--force-" + std::string(to_string(one)), [a, one] { a->forces.push_back(one); },
                                   "Root on the node only: " + std::string(explanation(one)));
    command->callback([a, &exit_code] { exit_code = start(*a); });
}

void add_stop_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* command = app.add_subcommand("stop", "End a component under dlv and put back what was there before");
    command->footer(stop_footer);
    add_common(*command, a);
    a->where.add_remote_options(*command);
    command->callback([a, &exit_code] { exit_code = stop(*a); });
}

void add_arm_commands(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* command = app.add_subcommand("arm", "Let a component be started through the gateway for a while");
    command->footer(arm_footer);
    add_common(*command, a);
    command->add_option("--for", a->armed_for, "How long; at most armTimeMax of launcher.yaml")->type_name("TIME")->capture_default_str();
    command->callback([a, &exit_code] { exit_code = arm(*a, launcher_verb::arm); });

    const auto b = std::make_shared<arguments>();
    auto* reverse = app.add_subcommand("disarm", "Let a component not be started through the gateway any more");
    reverse->footer(disarm_footer);
    add_common(*reverse, b);
    reverse->callback([b, &exit_code] { exit_code = arm(*b, launcher_verb::disarm); });
}

}  // namespace gateway
