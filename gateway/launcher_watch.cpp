#include "gateway/launcher_watch.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

#include "gateway/log.h"
#include "protocol/printable.h"

namespace gateway {

using launcher::launcher_request;
using launcher::launcher_verb;
using protocol::json;

namespace {

constexpr std::size_t max_components = 1024;
constexpr std::size_t max_lines = 64;
constexpr std::int64_t longest_budget_ms = 24LL * 3600 * 1000;

std::vector<std::string> lines_of(const json& of, std::string_view key) {
    std::vector<std::string> out;
    const auto* list = of.find(key);
    if (!list || !list->if_array()) return out;
    for (const auto& one : *list->if_array())
        if (const auto* text = one.if_string(); text && out.size() < max_lines) out.push_back(protocol::printable(*text));
    return out;
}

// {"disturbMs","damageMs","dutyMs"}; anything else is no budget.
stop_budget budget_of(const json& status) {
    const auto* budget = status.find("stopBudget");
    if (!budget || !budget->if_object()) return {};
    const auto time = [&](std::string_view key) {
        return std::chrono::milliseconds(std::clamp<std::int64_t>(budget->get_int(key), 0, longest_budget_ms));
    };
    return {time("disturbMs"), time("damageMs"), time("dutyMs")};
}

std::optional<launcher_report> read_one(const json& from) {
    launcher_report out;
    out.name = from.get_string("name");
    const auto state = launcher::component_state_named(from.get_string("state"));
    if (!launcher::is_component_name(out.name) || !state) return std::nullopt;
    out.state = *state;
    out.kind = protocol::printable(from.get_string("kind"));
    out.detached = from.get_bool("detached");
    out.since = from.get_int("since");
    out.by = protocol::printable(from.get_string("by"));
    out.deadline = from.get_int("deadline");
    out.armed_until = from.get_int("armedUntil");
    out.remote = protocol::printable(from.get_string("remoteStart"));
    out.session = from.get_string("session");
    if (!out.session.empty() && !launcher::is_session_id(out.session)) return std::nullopt;
    out.budget = budget_of(from);
    if (const auto* park = from.find("park"); park && park->if_object()) {
        out.parked_until = park->get_int("until");
        out.park = {protocol::printable(park->get_string("by")), protocol::printable(park->get_string("note")), std::string(park->get_string("stop"))};
        if (!launcher::is_stop_name(out.park.stop)) out.parked_until = 0;
    }
    out.notes = lines_of(from, "notes");
    out.warnings = lines_of(from, "warnings");
    return out;
}

}  // namespace

std::optional<std::vector<launcher_report>> read_launcher_status(const json& result) {
    const auto* list = &result;
    if (const auto* inside = result.find("components")) list = inside;
    if (!list->if_array() || list->if_array()->size() > max_components) return std::nullopt;
    std::vector<launcher_report> out;
    for (const auto& one : *list->if_array()) {
        auto report = read_one(one);
        if (!report) return std::nullopt;
        out.push_back(std::move(*report));
    }
    return out;
}

launcher_watch::launcher_watch(boost::asio::io_context& io, launcher_client& client, intervals times)
    : io_(io), client_(client), times_(times), poll_timer_(io), beat_timer_(io) {}

void launcher_watch::listen(listener one) { listeners_.push_back(std::move(one)); }

void launcher_watch::start() {
    stopped_ = false;
    poll();
    beat();
}

void launcher_watch::stop() {
    stopped_ = true;
    poll_timer_.cancel();
    beat_timer_.cancel();
}

void launcher_watch::ask_now() {
    if (stopped_) return;
    if (asking_) {
        again_ = true;  // what is being answered may be from before
        return;
    }
    poll();
}

void launcher_watch::poll() {
    if (stopped_ || asking_) return;
    asking_ = true;
    launcher_request request;
    request.verb = launcher_verb::status;
    client_.ask(std::move(request), [this, alive = std::weak_ptr<char>(alive_)](launcher_answer answer) {
        if (alive.expired() || stopped_) return;
        asking_ = false;
        took(std::move(answer));
        if (stopped_) return;
        if (std::exchange(again_, false)) return poll();
        poll_timer_.expires_after(times_.status);
        poll_timer_.async_wait([this](const boost::system::error_code& ec) {
            if (!ec) poll();
        });
    });
}

void launcher_watch::took(launcher_answer answer) {
    std::string trouble;
    std::optional<std::vector<launcher_report>> reports;
    if (answer.failed)
        trouble = answer.failed->text;
    else if (reports = read_launcher_status(answer.result); !reports)
        trouble = "the launcher's status cannot be read";
    const bool first = !answered_ && trouble_ != trouble;
    const bool turned = trouble_.empty() != trouble.empty();
    if (turned || first) {
        if (!trouble.empty())
            log().warn("{}", protocol::printable(trouble));
        else
            log().info("the launcher answers at {}", client_.socket());
    }
    const std::string before = std::exchange(trouble_, trouble);
    std::map<std::string, launcher_report> now;
    if (reports) {
        answered_ = true;
        for (auto& one : *reports) now[one.name] = std::move(one);
    } else {
        now = reports_;  // what was true last is the best that is known
    }
    std::vector<std::function<void()>> told;
    for (const auto& one : listeners_) {
        const auto old = reports_.find(one.component), is = now.find(one.component);
        const bool same = (old == reports_.end()) == (is == now.end()) && (is == now.end() || old->second == is->second);
        if (!same || before != trouble_ || first) told.push_back(one.changed);
    }
    reports_ = std::move(now);
    for (const auto& one : told) one();
}

void launcher_watch::beat() {
    if (stopped_) return;
    for (const auto& one : listeners_) {
        const auto found = reports_.find(one.component);
        if (found == reports_.end() || !found->second.awaits_beats()) continue;
        bool& beating = beating_[one.component];
        if (beating) continue;  // the one before has not been answered: no queue of them
        beating = true;
        launcher_request request;
        request.verb = launcher_verb::heartbeat;
        request.component = one.component;
        request.session = found->second.session;
        request.sessions = one.sessions && one.sessions();
        client_.ask(std::move(request), [this, name = one.component, alive = std::weak_ptr<char>(alive_)](const launcher_answer& answer) {
            if (alive.expired()) return;
            beating_[name] = false;
            // Told by the status already when the launcher does not answer; a refusal is news: the session is another one.
            if (answer.failed && answer.failed->code != "unreachable") ask_now();
        });
    }
    beat_timer_.expires_after(times_.heartbeat);
    beat_timer_.async_wait([this](const boost::system::error_code& ec) {
        if (!ec) beat();
    });
}

const launcher_report* launcher_watch::find(const std::string& name) const {
    const auto found = reports_.find(name);
    return found == reports_.end() ? nullptr : &found->second;
}

}  // namespace gateway
