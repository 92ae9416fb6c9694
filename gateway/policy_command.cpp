#include "gateway/policy_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "auth/policy_file.h"
#include "auth/policy_query.h"
#include "gateway/config.h"
#include "gateway/output_option.h"
#include "gateway/permissions.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

using protocol::json;

constexpr int yes = 0, no = 1, usage = 2;

struct arguments {
    std::string file;
    std::string user, operation, component;
    std::vector<std::string> groups;
    std::string policy_file, config_file;
    std::string output = "text";
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

std::string default_policy_file() {
    const std::string configuration = default_config_file();
    return configuration.substr(0, configuration.rfind('/')) + "/policy.yaml";
}

int check(const arguments& a) {
    const auto read = auth::read_policy(a.file);
    if (!read) return complain(read.error(), no);
    const auto roles = read->roles().size(), bindings = read->bindings().size();
    say(a.output, a.file + ": good; roles of its own: " + std::to_string(roles) + ", bindings: " + std::to_string(bindings) + "\n",
        json::object{{"file", a.file}, {"good", true}, {"roles", std::uint64_t{roles}}, {"bindings", std::uint64_t{bindings}}});
    return yes;
}

int operations(const arguments& a) {
    json::array all;
    for (const auto& one : auth::all_operations()) {
        if (a.output == "json")
            all.push_back(json::object{{"operation", one.operation},
                                       {"protocol", one.dap ? "DAP" : "JSON-RPC"},
                                       {"classes", to_string(one.classes)}});
        else
            std::printf("%-34s %-8s  %s\n", one.operation.c_str(), one.dap ? "DAP" : "JSON-RPC",
                        to_string(one.classes).c_str());
    }
    if (a.output == "json") std::printf("%s\n", protocol::to_text(json(std::move(all))).c_str());
    return yes;
}

// What is in force for the gateway that these files belong to.
auth::outcome<auth::policy> policy_in_question(const arguments& a) {
    std::string policy_file = a.policy_file;
    std::string config_file = a.config_file;
    if (policy_file.empty() && config_file.empty()) {
        if (::access(default_config_file().c_str(), F_OK) == 0)
            config_file = default_config_file();
        else
            policy_file = default_policy_file();
    }
    std::vector<component_config> components;
    if (!config_file.empty()) {
        auto configuration = read_config(config_file);
        if (!configuration) return {boost::system::in_place_error, configuration.error()};
        components = std::move(configuration->components);
        if (policy_file.empty()) policy_file = configuration->policy;
    }
    return load_policy(policy_file, components);
}

struct answer {
    auth::question asked;
    auth::decision decided;
};

answer decide(const auth::grants& grants, const auth::question& asked) {
    if (!asked.operation.empty()) return {asked, grants.decide(asked.operation, asked.classes)};
    // A class alone: no operation is called "" and no deny or allow of operations matters.
    auth::decision d;
    d.allowed = asked.classes.within(grants.classes());
    d.missing = asked.classes.without(grants.classes());
    auto words = grants.decide(" ", asked.classes);
    d.rule = std::move(words.rule);
    d.remedy = d.allowed ? std::string() : std::move(words.remedy);
    return {asked, std::move(d)};
}

void print_text(const arguments& a, const std::vector<answer>& answers) {
    for (const auto& [asked, d] : answers) {
        const std::string what = asked.operation.empty()
                                     ? "class " + to_string(asked.classes)
                                     : asked.operation + " (" + to_string(asked.classes) + ")";
        std::printf("%s: %s %s do %s on %s\n", d.allowed ? "yes" : "no", protocol::printable(a.user).c_str(),
                    d.allowed ? "may" : "may not", what.c_str(), protocol::printable(a.component).c_str());
        std::printf("    %s\n", protocol::printable(d.rule).c_str());
        if (!d.allowed && !d.missing.empty())
            std::printf("    missing: %s; %s\n", to_string(d.missing).c_str(), protocol::printable(d.remedy).c_str());
        else if (!d.allowed)
            std::printf("    denied; %s\n", protocol::printable(d.remedy).c_str());
    }
}

void print_json(const arguments& a, const std::vector<answer>& answers, bool all) {
    json::array decisions;
    for (const auto& [asked, d] : answers)
        decisions.push_back(json::object{{"operation", asked.operation},
                                         {"classes", to_string(asked.classes)},
                                         {"allowed", d.allowed},
                                         {"missing", to_string(d.missing)},
                                         {"rule", d.rule},
                                         {"remedy", d.remedy}});
    const json report = json::object{{"user", a.user},
                                     {"component", a.component},
                                     {"allowed", all},
                                     {"decisions", std::move(decisions)}};
    std::printf("%s\n", protocol::to_text(report).c_str());
}

int can_i(const arguments& a) {
    const auto asked = auth::operations_named(a.operation);
    if (asked.empty()) {
        std::string near;
        for (const auto& name : auth::operations_like(a.operation)) near += (near.empty() ? "" : ", ") + name;
        return complain("no operation or class is called \"" + protocol::printable(a.operation) + "\"" +
                            (near.empty() ? "; delvegate policy operations lists them" : "; is it one of " + near + "?"),
                        usage);
    }
    const auto policy = policy_in_question(a);
    if (!policy) return complain(policy.error(), usage);
    auth::identity who;
    who.user = a.user;
    who.groups = a.groups;
    const auto grants = policy->of(who, a.component);
    std::vector<answer> answers;
    for (const auto& one : asked) answers.push_back(decide(grants, one));
    const bool all = std::all_of(answers.begin(), answers.end(), [](const auto& one) { return one.decided.allowed; });
    if (a.output == "json")
        print_json(a, answers, all);
    else
        print_text(a, answers);
    return all ? yes : no;
}

constexpr const char* check_footer = R"(
Example:
  delvegate policy check /etc/delvegate/policy.yaml

Exit codes: 0 the file is a policy; 1 it is not, and the line on standard error
tells where; 2 command line.)";

constexpr const char* can_i_footer = R"(
OPERATION is a name as `delvegate policy operations` lists them, its last word
("call" is Command call and evaluate call), or a class. It is judged in its
plainest form: a breakpoint with a condition, for example, needs read as well.

Without --policy and --config it is the default configuration and its policy, or
policy.yaml beside where that would be.

Examples:
  delvegate policy can-i alice call kube-scheduler
  delvegate policy can-i bob setVariable etcd --group sre --policy policy.yaml

Exit codes: 0 yes, to every operation of that name; 1 no; 2 command line,
configuration or policy.)";

constexpr const char* keys_footer = R"(
Example:
  delvegate policy keys

Exit codes: 0; 2 command line.)";

constexpr const char* operations_footer = R"(
Example:
  delvegate policy operations

Exit codes: 0; 2 command line.)";

}  // namespace

void add_policy_command(CLI::App& app, int& exit_code) {
    auto* policy = app.add_subcommand("policy", "Check a policy file, and ask what it decides");
    policy->require_subcommand(1);
    policy->footer("\nExample:\n  delvegate policy can-i alice call kube-scheduler\n\nThe subcommands' --help has the exit codes.");
    const auto a = std::make_shared<arguments>();

    auto* checking = policy->add_subcommand("check", "Whether FILE is a policy");
    checking->footer(check_footer);
    checking->add_option("FILE", a->file, "The policy file")->required()->type_name("");
    add_output_option(*checking, a->output);
    checking->callback([a, &exit_code] { exit_code = check(*a); });

    auto* asking = policy->add_subcommand("can-i", "Whether USER may do OPERATION on COMPONENT, and by which rule");
    asking->footer(can_i_footer);
    asking->add_option("USER", a->user, "User, as in the certificate (CN)")->required()->type_name("");
    asking->add_option("OPERATION", a->operation, "Operation or class")->required()->type_name("");
    asking->add_option("COMPONENT", a->component, "Component")->required()->type_name("");
    asking->add_option("--group", a->groups, "A group of the user (O); may be given again")
        ->type_name("NAME")
        ->allow_extra_args(false);
    asking->add_option("--policy", a->policy_file, "The policy file, instead of the configuration's")->type_name("FILE");
    asking->add_option("--config", a->config_file, "The gateway's configuration, whose lists count too")
        ->type_name("FILE");
    add_output_option(*asking, a->output);
    asking->callback([a, &exit_code] { exit_code = can_i(*a); });

    auto* listing = policy->add_subcommand("operations", "List every operation with its classes");
    listing->footer(operations_footer);
    add_output_option(*listing, a->output);
    listing->callback([a, &exit_code] { exit_code = operations(*a); });

    auto* keys = policy->add_subcommand("keys", "Print the meaning of every key of a policy file, as Markdown");
    keys->footer(keys_footer);
    add_output_option(*keys, a->output);
    keys->callback([a, &exit_code] {
        const std::string text = auth::policy_reference();
        say(a->output, text, protocol::json::object{{"markdown", text}});
        exit_code = yes;
    });
}

}  // namespace gateway
