#include "gateway/viewer_paths.h"

#include <algorithm>
#include <utility>

#include "gateway/source_lines.h"

namespace gateway {

using protocol::json;

namespace {

// dlv's words for a file that is not in the program: of a breakpoint's file, and of a location.
bool knows_no_file(const rpc_outcome& out) {
    return !out.lost && (out.error.starts_with("could not find file ") || out.error.ends_with(" not found"));
}

std::string_view trim(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r\n");
    return begin == text.npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

}  // namespace

viewer_paths::viewer_paths(std::shared_ptr<const protocol::client_paths> from_link) {
    if (!from_link) return;
    add(from_link->rules);
    sources_ = from_link->source;
    asked_for_ = !sources_.empty();
}

void viewer_paths::add(const std::vector<protocol::path_rule>& rules) {
    for (const auto& rule : rules)
        if (map_.rules().size() < protocol::path_map::max_rules) map_.add_unless_there(rule);
}

// --- requests ---------------------------------------------------------------------------------------------

bool viewer_paths::apply(const protocol::rpc_request& r, protocol::judged& j, const protocol::clamps& limits) const {
    if (!any() || j.how == protocol::service::refuse) return false;
    auto mapped = j.arguments;
    if (!protocol::rpc_paths_to_server(r.method, mapped, map_)) return false;
    j = protocol::judge(protocol::rpc_request{r.id, r.method, std::move(mapped)}, limits);
    return true;
}

bool viewer_paths::apply(const protocol::dap_request& r, protocol::judged& j, const protocol::clamps& limits) const {
    if (!any() || j.how == protocol::service::refuse) return false;
    auto mapped = j.arguments;
    if (!protocol::dap_paths_to_server(j.operation, mapped, map_)) return false;
    j = protocol::judge(protocol::dap_request{r.seq, r.command, std::move(mapped)}, limits);
    return true;
}

void viewer_paths::learn_alias(std::string_view asked_for, std::string_view found) {
    map_.learn_alias(map_.to_client(asked_for), found);
}

asio::awaitable<rpc_outcome> viewer_paths::by_either_name(std::string_view method, const question& ask, json arguments) {
    auto out = co_await ask(arguments);
    if (!knows_no_file(out)) co_return out;
    const auto other = protocol::rpc_alias(method, arguments);
    if (!other) co_return out;
    auto again = co_await ask(other->arguments);
    if (knows_no_file(again)) co_return out;
    if (again.ok()) learn_alias(other->was, other->is);
    co_return again;
}

// --- replies ----------------------------------------------------------------------------------------------

std::string viewer_paths::result(std::string_view text, std::size_t most) const {
    return protocol::rewrite_paths(map_, protocol::rpc_reply_field, text, most);
}

bool viewer_paths::in_replies_to(std::string_view operation) const {
    return operation == "stackTrace" || operation == "disassemble" || operation == "exceptionInfo" ||
           operation == "evaluate dlv sources" || operation == "evaluate dlv config";
}

std::string viewer_paths::dap_reply(std::string_view operation, std::string_view text, std::size_t most) const {
    if (!text.starts_with(",\"success\":true") || !in_replies_to(operation))
        return protocol::rewrite_paths(map_, protocol::dap_failure_field, text, most);
    if (operation == "evaluate dlv config") {
        // The window at dlv has no rules.
        constexpr std::string_view none = "substitutePath\\t[]";
        std::string out(text);
        std::string ours;
        protocol::append_string(ours, substitute_path());
        if (const auto at = out.find(none); at != out.npos) out.replace(at, none.size(), ours.substr(1, ours.size() - 2));
        return out;
    }
    return protocol::rewrite_paths(map_, operation == "evaluate dlv sources" ? protocol::dap_sources_field : protocol::dap_reply_field, text, most);
}

// --- rules that come later --------------------------------------------------------------------------------

std::string viewer_paths::attach(json& arguments) {
    auto* members = arguments.if_object();
    if (!members) return {};
    protocol::path_map given;
    protocol::local_sources guess;
    if (const json* rules = arguments.find("substitutePath")) given = protocol::path_map::from_attach(*rules);
    if (const json* sources = arguments.find("guessSubstitutePath")) guess = protocol::read_guess(*sources);
    std::erase_if(*members, [](const auto& m) { return m.first == "substitutePath" || m.first == "guessSubstitutePath"; });
    if (given.rules().size() + map_.rules().size() > protocol::path_map::max_rules)
        return "more than " + std::to_string(protocol::path_map::max_rules) + " rules of substitutePath";
    if (!given.fit()) return "a rule of substitutePath is longer than 4096 bytes, or has control characters in it";
    // The IDE's own come first. It guesses only where nobody has given any, as with Delve.
    const bool unguided = given.empty() && map_.empty() && sources_.empty();
    auto later = std::exchange(map_, std::move(given));
    add(later.rules());
    if (unguided) sources_ = std::move(guess);
    return {};
}

std::optional<viewer_paths::configured> viewer_paths::configure(const protocol::judged& j) {
    if (j.operation != "evaluate dlv config") return std::nullopt;
    auto text = trim(j.arguments.get_string("expression"));
    for (const std::string_view word : {"dlv", "config", "substitutePath"}) {
        if (!text.starts_with(word)) return std::nullopt;
        text.remove_prefix(word.size());
        if (!text.empty() && text.find_first_of(" \t") != 0) return std::nullopt;
        text = trim(text);
    }
    auto error = map_.configure(text);
    if (!error.empty()) return configured{{}, std::move(error)};
    return configured{substitute_path() + "\n\nUpdated", {}};
}

std::string viewer_paths::substitute_path() const {
    std::string out = "substitutePath\t[";
    for (const auto& rule : map_.rules()) {
        if (out.back() != '[') out += ' ';
        out += '[' + rule.client + ' ' + rule.server + ']';
    }
    return out + ']';
}

asio::awaitable<std::vector<std::string>> viewer_paths::learn(hub& h) {
    const auto here = std::exchange(sources_, {});
    if (here.empty()) co_return std::vector<std::string>{};
    const auto there = co_await ask_program_sources(h);
    const auto rules = protocol::guess_rules(here, there);
    add(rules);
    std::vector<std::string> words;
    if (!asked_for_) co_return words;
    const bool from_there = std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
        return std::any_of(here.modules.begin(), here.modules.end(), [&](const auto& m) { return m.second == rule.client; });
    });
    if (!from_there)
        words.push_back("nothing of " + h.name() + "'s program is from the checkout of --source; paths are as the program was built, add --map");
    else if (auto warning = protocol::revision_warning(here, there); !warning.empty())
        words.push_back(h.name() + ": " + warning);
    co_return words;
}

void learn_then(hub& h, viewer& v, viewer_paths& paths, bool halt, std::function<void(const std::vector<std::string>&)> then) {
    auto work = [&h, &paths, then]() -> asio::awaitable<void> {
        const auto words = co_await paths.learn(h);
        then(words);
    };
    auto refused = [then](const std::string&) { then({}); };
    if (halt)
        h.change(&v, std::move(work), std::move(refused));
    else
        h.alone(v, std::move(work), std::move(refused));
}

}  // namespace gateway
