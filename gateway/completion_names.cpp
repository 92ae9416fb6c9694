#include "gateway/completion_names.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <set>
#include <string_view>

#include "gateway/config.h"
#include "gateway/contexts.h"
#include "gateway/session_question.h"
#include "protocol/printable.h"
#ifndef DELVEGATE_CLIENT_ONLY
#include "auth/policy_file.h"
#include "auth/policy_query.h"
#include "gateway/completion_people.h"
#include "launcher/launcher_config.h"
#endif

namespace gateway {
namespace {

using protocol::json;
using names = std::set<std::string>;

constexpr std::chrono::milliseconds patience{1500};
constexpr std::size_t max_reply = 8u << 20;

std::string given(const completion& line, const std::string& option) {
    const auto found = line.given.find(option);
    return found == line.given.end() ? std::string() : found->second;
}

// Those whose --config is root's launcher.yaml.
bool of_launcher(const completion& line) {
    static const names commands{"inspect", "start", "stop", "restore", "arm", "disarm", "launcher"};
    return !line.commands.empty() && commands.contains(line.commands.front());
}

// Where only those who are revoked make sense.
bool of_unrevoke(const completion& line) { return line.commands == std::vector<std::string>{"ca", "unrevoke-user"}; }

session_question question_of(const completion& line) {
    session_question out;
    if (!of_launcher(line)) out.here.config_file = given(line, "--config");
    out.here.runtime_directory = given(line, "--runtime-directory");
    auto& to = out.remote;
    to.context = given(line, "--context");
    to.gateway = given(line, "--gateway");
    if (const char* named = std::getenv("DELVEGATE_GATEWAY"); named && to.gateway.empty() && to.context.empty()) to.gateway = named;
    to.identity = given(line, "--identity");
    to.kubeconfig = given(line, "--kubeconfig");
    to.kube_context = given(line, "--kube-context");
    to.server_name = given(line, "--server-name");
    to.via = given(line, "--via");
    to.files.certificate = given(line, "--certificate");
    to.files.key = given(line, "--key");
    to.files.ca = given(line, "--ca");
    return out;
}

json asked(const session_question& question) {
    const auto place = question.place();
    if (!place) return nullptr;
    std::string body;
    if (*place) {
        const auto said = ask_gateway(**place, "/v1/sessions", {}, patience);
        if (!said || said->status != 200) return nullptr;
        body = said->body;
    } else {
        https_question over;
        over.path = "/v1/sessions";
        over.method = "GET";
        over.time = patience;
        over.max_reply = max_reply;
        const auto reply = call_gateway(question.remote, std::move(over));
        if (!reply || reply->status != 200) return nullptr;
        body = reply->body;
    }
    auto parsed = protocol::parse_json(body, {.max_depth = 64, .fold_keys = false});
    return parsed ? std::move(*parsed) : json(nullptr);
}

void take(const json& answer, std::string_view list, std::string_view key, names& into) {
    const auto* found = answer.find(list);
    const auto* all = found ? found->if_array() : nullptr;
    if (!all) return;
    for (const auto& one : *all) into.emplace(one.get_string(key));
}

#ifndef DELVEGATE_CLIENT_ONLY
// Whom this host's CA knows: those who may be let in, or thrown out, need be neither in the policy nor here now.
void take_from_ca(const completion& line, const std::string& configured, names& into) {
    static const names commands_of_nodes{"ca", "token", "sessions", "policy"};
    if (line.commands.empty() || !commands_of_nodes.contains(line.commands.front())) return;
    std::vector<std::string> places;
    if (const auto own = given(line, "--state-directory"); !own.empty())
        places = {own};
    else  // the packaged unit names a directory of its own below the usual one
        for (const auto& one : names{configured, default_state_directory(), exec_state_directory()})
            if (!one.empty()) places.insert(places.end(), {one, one + "/gateway"});
    const auto which = of_unrevoke(line) ? known_people::revoked : line.commands.front() == "token" ? known_people::not_revoked : known_people::all;
    into.merge(people_of_ca(places, which));
}

// What this host's own files say, where this user may read them.
void take_from_files(const completion& line, names& into) {
    const std::string own = of_launcher(line) ? std::string() : given(line, "--config");
    const std::string config_file = own.empty() ? default_config_file() : own;
    std::string policy_file = given(line, "--policy"), state;
    if (const auto read = ::access(config_file.c_str(), R_OK) == 0 ? read_config(config_file) : launcher::outcome<config>(std::string());
        read) {
        state = read->state_directory;
        for (const auto& one : read->components) {
            if (line.names == name_kind::component) into.insert(one.name);
            if (line.names == name_kind::person && !of_unrevoke(line)) into.insert(one.users.begin(), one.users.end());
        }
        if (policy_file.empty()) policy_file = read->policy;
    }
    if (line.names == name_kind::person) take_from_ca(line, state, into);
    if (line.names == name_kind::person && !of_unrevoke(line) && !policy_file.empty() && ::access(policy_file.c_str(), R_OK) == 0)
        if (const auto policy = auth::read_policy(policy_file); policy)
            for (const auto& binding : policy->bindings()) into.insert(binding.users.begin(), binding.users.end());
    if (line.names != name_kind::component) return;
    const std::string launchers = of_launcher(line) && !given(line, "--config").empty() ? given(line, "--config")
                                                                                      : std::string(launcher::default_launcher_config);
    if (::access(launchers.c_str(), R_OK) != 0) return;
    if (const auto read = launcher::read_launcher_config(launchers); read)
        for (const auto& one : read->components) into.insert(one.name);
}
#endif

}  // namespace

std::vector<std::string> names_for(const completion& line) {
    names found;
    if (line.names == name_kind::context) {
        const auto all = context_store().names();
        found.insert(all.begin(), all.end());
#ifndef DELVEGATE_CLIENT_ONLY
    } else if (line.names == name_kind::operation) {
        for (const auto& one : auth::all_operations()) found.insert(one.operation);
#endif
    } else if (line.names != name_kind::none) {
#ifndef DELVEGATE_CLIENT_ONLY
        if (line.names != name_kind::session) take_from_files(line, found);
#endif
        const auto answer = of_unrevoke(line) ? json(nullptr) : asked(question_of(line));
        if (line.names == name_kind::component) take(answer, "components", "component", found);
        if (line.names == name_kind::person) take(answer, "sessions", "user", found);
        if (line.names == name_kind::session) take(answer, "sessions", "session", found);
    }
    std::vector<std::string> out(found.begin(), found.end());
    // They end up in a shell's line.
    std::erase_if(out, [&](const auto& one) {
        return one.empty() || one != protocol::printable(one) || one.find_first_of("\t\n") != one.npos || !one.starts_with(line.typed);
    });
    return out;
}

}  // namespace gateway
