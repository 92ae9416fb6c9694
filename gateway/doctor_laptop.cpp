// The checks of a laptop.
#include "gateway/doctor.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "gateway/call_gateway.h"
#include "gateway/contexts.h"
#include "gateway/ide.h"
#include "gateway/time_left.h"
#include "protocol/printable.h"
#include "storage/shell_word.h"

namespace gateway {

using protocol::json;

namespace {

constexpr std::uint16_t usual_port = 2345;
constexpr long long skew_that_matters = 30;  // seconds; a certificate of an hour begins a minute before it is made
constexpr std::size_t max_reply = 8u << 20;

std::string enrol_again(const std::string& host, const via_way& via) {
    const std::string way = to_text(via);
    return "ask the gateway's administrator for a token, and: delvegate enroll " + host + " --ca-pin sha256:…" + (way.empty() ? "" : " --via " + way);
}

std::string mend_of(const call_failure& why, const laptop_target& target) {
    if (why.code != "unreachable") return enrol_again(target.host, target.via);
    const std::string at = to_string(host_port{target.host, target.port});
    switch (why.blame) {
        case auth::tls_blame::ours: return enrol_again(target.host, target.via) + "; if it was revoked, they know why";
        case auth::tls_blame::theirs:
            return "ask the gateway's administrator, and do not go on before it is clear: docs/troubleshooting.md, Certificates";
        case auth::tls_blame::neither: break;
    }
    const std::string node = "on the node: delvegate doctor";
    const std::string way = (target.via.user.empty() ? "" : target.via.user + "@") + target.via.host;
    switch (target.via.how) {
        case via_way::kind::ssh:
            return "the way is ssh: `ssh " + (target.via.port == 0 ? "" : "-p " + std::to_string(target.via.port) + " ") + way +
                   "` must work without a question, and from there " + at + " be reached; " + node;
        case via_way::kind::http:
            return "the way is the proxy " + target.via.host + ":" + std::to_string(target.via.port) + ": whoever runs it must allow CONNECT to " + at + "; " + node;
        case via_way::kind::direct: break;
    }
    return node + "; between here and there: the network, a firewall, the name";
}

void check_contexts(long long now, diagnoses& to) {
    const context_store store;
    const auto names = store.names();
    const auto current = store.current();
    if (names.empty()) to.push_back({"contexts", verdict::skipped, "this host is enrolled with no gateway", {}});
    for (const auto& name : names) {
        const std::string check = "context " + name;
        const auto context = store.read(name);
        if (!context) {
            to.push_back({check, verdict::fail, context.error(), "delvegate context delete " + name});
            continue;
        }
        auto found = judge_pair(check, store.files(name), enrol_again(context->gateway.host, context->via), now);
        // The others are nobody's trouble today.
        if (found.how == verdict::fail && current && *current != name) found.how = verdict::warn, found.mend += "; or: delvegate context delete " + name;
        if (found.how != verdict::fail && context->renew_until > 0 && context->renew_until <= now)
            found = {check, verdict::warn, found.text + ", and it cannot be renewed any more", enrol_again(context->gateway.host, context->via)};
        else if (found.how == verdict::warn && found.mend.starts_with("ask "))
            found.mend = "`delvegate connect` renews it; else: " + found.mend;
        to.push_back(std::move(found));
    }
    if (!names.empty() && !current) to.push_back({"contexts", verdict::warn, "none is the current one", "delvegate context use " + names.front()});
}

// The names of the components that the gateway shows.
std::optional<std::set<std::string>> check_gateway(const laptop_place& place, diagnoses& to) {
    const auto target = place.find();
    if (!target) {
        to.push_back({"gateway", target.error().certificate ? verdict::fail : verdict::skipped, target.error().text, {}});
        return std::nullopt;
    }
    const std::string name = to_string(host_port{target->host, target->port});
    https_question question;
    question.path = "/v1/sessions";
    question.method = "GET";
    question.max_reply = max_reply;
    const long long before = std::time(nullptr);
    const auto reply = call_gateway(place, std::move(question));
    const long long after = std::time(nullptr);
    if (!reply) {
        to.push_back({"gateway", verdict::fail, reply.error().text, mend_of(reply.error(), *target)});
        return std::nullopt;
    }
    const auto said = protocol::parse_json(reply->body, {.max_depth = 64, .fold_keys = false});
    const auto* list = said ? said->find("components") : nullptr;
    const auto* components = list ? list->if_array() : nullptr;
    if (reply->status != 200 || !components) {
        const auto why = said ? said->get_string("error") : std::string_view();
        to.push_back({"gateway", verdict::fail, name + (why.empty() ? " gave no proper answer; is it another version?" : ": " + std::string(why)),
                      reply->status == 403 ? "ask whoever keeps its policy.yaml to bind a role to you" : ""});
        return std::nullopt;
    }
    std::set<std::string> names;
    for (const auto& one : *components) names.emplace(one.get_string("component"));
    if (names.empty())
        to.push_back({"gateway", verdict::warn, name + " answers, and shows this certificate no component",
                      "ask whoever keeps its policy.yaml to bind a role to you"});
    else
        to.push_back({"gateway", verdict::ok, name + " answers; components for you: " + std::to_string(names.size()), {}});
    to.push_back(judge_skew(reply->date, before, after));
    return names;
}

void check_port(diagnoses& to) {
    auto found = judge_port({"127.0.0.1", usual_port}, listening_here(), {false, 0, ::getuid()});
    if (found.how == verdict::fail) found.how = verdict::warn;
    if (found.how == verdict::warn) found.mend = "end it, or: delvegate connect COMPONENT --listen 127.0.0.1:OTHER";
    to.push_back(std::move(found));
}

void check_ide(const std::string& folder, const std::optional<std::set<std::string>>& shown, diagnoses& to) {
    struct kind {
        const char* name;
        std::unique_ptr<ide> of;
    };
    std::array<kind, 3> kinds{kind{"vscode", make_vscode()}, kind{"goland", make_goland()}, kind{"neovim", make_neovim()}};
    std::error_code ec;
    const auto absolute = std::filesystem::absolute(folder.empty() ? "." : folder, ec).lexically_normal().string();
    const project_files files(absolute, default_laptop_directory() + "/ide");
    std::size_t written = 0;
    for (const auto& [name, of] : kinds) {
        const auto components = of->written(files);
        if (!components) {
            to.push_back({std::string("IDE ") + name, verdict::warn, components.error(), "correct that file"});
            continue;
        }
        for (const auto& one : *components) {
            ++written;
            if (shown && !shown->contains(one))
                to.push_back({std::string("IDE ") + name, verdict::warn, "it has a configuration for " + one + ", which the gateway does not show",
                              std::string("delvegate ide ") + name + " " + storage::shell_word(one) + " --remove --folder " + storage::shell_word(absolute)});
        }
    }
    const bool clean = std::none_of(to.begin(), to.end(), [](const auto& one) { return one.check.starts_with("IDE "); });
    if (clean) to.push_back({"IDE", verdict::ok, absolute + ": configurations of delvegate's: " + std::to_string(written), {}});
}

}  // namespace

diagnosis judge_skew(const std::string& date, long long now, long long then) {
    std::tm utc{};
    const char* end = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    if (!end || *end != '\0') return {"clocks", verdict::skipped, "the gateway does not tell its time", {}};
    const long long theirs = ::timegm(&utc);
    const long long skew = theirs < now - 1 ? theirs - now : theirs > then + 1 ? theirs - then : 0;
    if (skew == 0) return {"clocks", verdict::ok, "this host's and the gateway's agree", {}};
    const std::string text = "the gateway's clock is " + std::to_string(skew < 0 ? -skew : skew) + " s " + (skew < 0 ? "behind" : "ahead of") + " this host's";
    const bool matters = skew > skew_that_matters || skew < -skew_that_matters;
    return {"clocks", matters ? verdict::warn : verdict::ok, text, matters ? "timedatectl on both; systemctl enable --now systemd-timesyncd where it is wrong" : ""};
}

bool is_laptop(const doctor_laptop_place& where) {
    return where.gateway.given() || !where.gateway.identity.empty() || !where.folder.empty() || !context_store().names().empty();
}

diagnoses check_laptop(const doctor_laptop_place& where, long long now) {
    diagnoses out;
    check_contexts(now, out);
    const auto shown = check_gateway(where.gateway, out);
    check_port(out);
    check_ide(where.folder, shown, out);
    return out;
}

}  // namespace gateway
