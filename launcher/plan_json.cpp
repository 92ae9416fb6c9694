#include "launcher/plan_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "launcher/launcher_config.h"
#include "storage/sha256.h"

namespace launcher {
namespace {

using protocol::json;

constexpr const char* mask = "(hidden)";

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool holds(std::string_view text, std::string_view piece) { return text.find(piece) != std::string_view::npos; }

template <class List>
json list_of(const List& from) {
    json::array out;
    for (const auto& one : from) out.emplace_back(one);
    return out;
}

template <class Number>
json numbers_of(const std::vector<Number>& from) {
    json::array out;
    for (const Number one : from) out.emplace_back(std::uint64_t{one});
    return out;
}

bool is_secret_source(std::string_view source) { return holds(lower(source), "secret"); }

// user:password@ of a URL.
std::string without_credentials(const std::string& text) {
    const std::size_t scheme = text.find("://");
    if (scheme == std::string::npos) return text;
    const std::size_t end = text.find_first_of("/?#", scheme + 3);
    const std::size_t at = text.rfind('@', end);
    if (at == std::string::npos || at < scheme + 3) return text;
    return text.substr(0, scheme + 3) + mask + text.substr(at);
}

struct word {
    std::string text;
    bool secret = false;
};
word masked(const std::string& value, bool secret) {
    if (secret && !value.empty()) return {mask, true};
    std::string text = without_credentials(value);
    const bool changed = text != value;
    return {std::move(text), changed};
}

json argv_of(const process_plan& process, shown how) {
    json::array out;
    bool next_is_secret = false;  // "--token" "VALUE"
    for (const auto& one : process.argv) {
        word shown_word{one.value, false};
        const std::size_t equals = one.value.find('=');
        const bool flag = one.value.starts_with('-');
        const bool secret_flag = flag && is_secret_name(std::string_view(one.value).substr(0, equals));
        if (how == shown::masked) {
            if (secret_flag && equals != std::string::npos)
                shown_word = {one.value.substr(0, equals + 1) + mask, true};
            else
                shown_word = masked(one.value, (next_is_secret && !flag) || is_secret_source(one.source));
        }
        next_is_secret = secret_flag && equals == std::string::npos;
        json entry = json::object{{"value", std::move(shown_word.text)}, {"source", one.source}};
        if (shown_word.secret) entry.set("hidden", true);
        out.push_back(std::move(entry));
    }
    return out;
}

json env_of(const process_plan& process, shown how) {
    json::array out;
    for (const auto& [name, one] : process.env) {
        word shown_word{one.value, false};
        if (how == shown::masked) shown_word = masked(one.value, is_secret_name(name) || is_secret_source(one.source));
        json entry = json::object{{"name", name}, {"value", std::move(shown_word.text)}, {"source", one.source}};
        if (shown_word.secret) entry.set("hidden", true);
        out.push_back(std::move(entry));
    }
    return out;
}

json process_of(const process_plan& process, shown how) {
    json::array mounts;
    for (const auto& one : process.mounts)
        mounts.push_back(json::object{{"source", one.source}, {"target", one.target}, {"readOnly", one.read_only}});
    json health;
    if (process.health.port != 0)
        health = json::object{{"scheme", process.health.scheme}, {"host", process.health.host},
                              {"port", std::uint64_t{process.health.port}}, {"path", process.health.path}};
    json out = json::object{{"argv", argv_of(process, how)},
                        {"env", env_of(process, how)},
                        {"workingDirectory", process.working_directory},
                        {"uid", std::uint64_t{process.uid}},
                        {"gid", std::uint64_t{process.gid}},
                        {"groups", numbers_of(process.groups)},
                        {"mounts", std::move(mounts)},
                        {"files", list_of(process.files)},
                        {"ports", numbers_of(process.ports)},
                        {"health", std::move(health)},
                        {"graceSeconds", std::int64_t{process.grace.count()}},
                        {"otherContainers", list_of(process.other_containers)},
                        {"imageVersion", process.image_version}};
    if (process.mode == dlv_mode::attach)
        out.set("attachTo", json::object{{"pid", std::int64_t{process.target.pid}},
                                         {"started", std::uint64_t{process.target.started}}});
    if (process.mode == dlv_mode::core) out.set("core", process.core);
    return out;
}

std::string_view word_of(severity how) {
    switch (how) {
        case severity::note: return "note";
        case severity::warning: return "warning";
        case severity::refusal: return "refusal";
    }
    return "refusal";
}

std::string_view word_of(component_definition::on_exit what) {
    using on_exit = component_definition::on_exit;
    return what == on_exit::keep ? "keep" : what == on_exit::restart ? "restart" : "restore";
}

json ceiling_of(const component_definition& definition) {
    json::array out;
    for (auto one = 0; one <= static_cast<int>(protocol::op_class::lifecycle); ++one)
        if (definition.ceiling.has(static_cast<protocol::op_class>(one)))
            out.emplace_back(protocol::to_string(static_cast<protocol::op_class>(one)));
    return out;
}

constexpr std::array<std::pair<component_state, std::string_view>, 11> states{{
    {component_state::available, "available"},
    {component_state::starting, "starting"},
    {component_state::detaching, "detaching"},
    {component_state::running, "running"},
    {component_state::stopped, "stopped"},
    {component_state::exited, "exited"},
    {component_state::stopping, "stopping"},
    {component_state::restoring, "restoring"},
    {component_state::returned, "returned"},
    {component_state::failed, "failed"},
    {component_state::not_put_back, "not_put_back"},
}};

}  // namespace

std::string_view to_string(component_state state) {
    for (const auto& [one, name] : states)
        if (one == state) return name;
    return "failed";
}

std::optional<component_state> component_state_named(std::string_view text) {
    for (const auto& [one, name] : states)
        if (name == text) return one;
    return std::nullopt;
}

bool is_secret_name(std::string_view name) {
    std::string text = lower(name);
    std::erase_if(text, [](char c) { return c == '-' || c == '_' || c == '.'; });
    // Where a secret is, or what it is called, is none.
    for (const std::string_view harmless : {"file", "files", "path", "dir", "directory", "name", "namespace", "url", "enabled", "ttl"})
        if (text.ends_with(harmless)) return false;
    for (const std::string_view telling : {"token", "password", "passwd", "passphrase", "secret", "credential", "apikey", "accesskey",
                                           "privatekey", "authorization", "bearer", "connectionstring"})
        if (holds(text, telling)) return true;
    return text == "key" || text == "pass" || text == "pwd" || text.ends_with("pwd") || text.ends_with("dsn");
}

json to_json(const component_plan& plan, shown how) {
    const auto& definition = plan.definition;
    json::array findings;
    for (const auto& one : plan.findings)
        findings.push_back(json::object{{"severity", word_of(one.how)}, {"text", one.text}, {"mend", one.mend}});
    json out = json::object{{"component", definition.name},
                            {"kind", to_string(definition.kind)},
                            {"foundIn", plan.found_in},
                            {"hash", "sha256:" + plan.hash},
                            {"refused", plan.refused()},
                            {"process", process_of(plan.process, how)},
                            {"binary", plan.binary},
                            {"dlv", definition.dlv},
                            {"moved", plan.moved},
                            {"comesBack", plan.comes_back},
                            {"undoByHand", list_of(plan.undo_by_hand)},
                            {"stopBudget", json::object{{"disturbSeconds", std::int64_t{plan.budget.disturb.count()}},
                                                        {"damageSeconds", std::int64_t{plan.budget.damage.count()}},
                                                        {"derivation", plan.budget.derivation},
                                                        {"dutySeconds", std::int64_t{std::chrono::ceil<std::chrono::seconds>(plan.budget.duty).count()}},
                                                        {"dutyDerivation", plan.budget.duty_derivation}}},
                            {"memoryNeeded", plan.memory_needed},
                            {"memoryLimit", definition.memory_limit},
                            {"needed", list_of(plan.needed)},
                            {"remoteStart", to_string(definition.remote)},
                            {"ceiling", ceiling_of(definition)},
                            {"startTimeoutSeconds", std::int64_t{definition.start_timeout.count()}},
                            {"parkSeconds", std::int64_t{definition.park.count()}},
                            {"sessionTimeoutSeconds", std::int64_t{definition.session_timeout.count()}},
                            {"onExit", word_of(definition.when_exited)},
                            {"findings", std::move(findings)}};
    // A hash of a file with a guessable secret in it lets it be guessed.
    if (how == shown::everything) out.set("manifestHash", plan.manifest_hash);
    return out;
}

outcome<std::string> plan_hash(const component_plan& plan) {
    const auto& definition = plan.definition;
    json what = json::object{{"component", definition.name},
                                   {"kind", to_string(definition.kind)},
                                   {"foundIn", plan.found_in},
                                   {"manifestHash", plan.manifest_hash},
                                   {"process", process_of(plan.process, shown::everything)},
                                   {"binary", plan.binary},
                                   {"dlv", definition.dlv},
                                   {"container", definition.container},
                                   {"unit", definition.unit},
                                   {"ceiling", ceiling_of(definition)},
                                   {"memoryLimit", definition.memory_limit},
                                   {"stopBudgetSeconds", std::int64_t{plan.budget.damage.count()}},
                                   {"onExit", word_of(definition.when_exited)}};
    if (definition.park.count() > 0) what.set("parkSeconds", std::int64_t{definition.park.count()});
    auto hash = storage::sha256_hex("delvegate plan 1\n" + protocol::to_text(what));
    if (hash.empty())
        return outcome<std::string>(boost::system::in_place_error, "the plan's hash could not be made: out of memory");
    return outcome<std::string>(boost::system::in_place_value, std::move(hash));
}

json to_json(const component_status& status) {
    json out = json::object{{"name", status.name},
                        {"kind", to_string(status.kind)},
                        {"state", to_string(status.state)},
                        {"detached", status.detached},
                        {"since", status.since},
                        {"by", status.by},
                        {"deadline", status.deadline},
                        {"remoteStart", to_string(status.remote)},
                        {"armedUntil", status.armed_until},
                        {"session", status.session},
                        {"plan", status.plan_hash.empty() ? std::string() : "sha256:" + status.plan_hash},
                        {"notes", list_of(status.notes)},
                        {"warnings", list_of(status.warnings)}};
    const auto milliseconds = [](auto time) { return std::int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(time).count()}; };
    if (status.budget.damage.count() > 0)
        out.set("stopBudget", json::object{{"disturbMs", milliseconds(status.budget.disturb)},
                                           {"damageMs", milliseconds(status.budget.damage)},
                                           {"dutyMs", milliseconds(status.duty)}});
    if (status.park.until != 0)
        out.set("park", json::object{{"until", status.park.until}, {"by", status.park.by}, {"note", status.park.note}, {"stop", status.park.stop}});
    return out;
}

json to_json(const restore_report& report) {
    return json::object{{"name", report.name},
                        {"restored", report.restored},
                        {"nothingToDo", report.nothing_to_do},
                        {"text", report.text},
                        {"decide", list_of(report.decide)}};
}

json to_json(const progress_step& step) {
    return json::object{{"component", step.component}, {"state", to_string(step.state)}, {"text", step.text}};
}

}  // namespace launcher
