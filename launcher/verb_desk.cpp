#include "launcher/verb_desk.h"

#include <algorithm>
#include <ctime>
#include <exception>
#include <utility>

#include "launcher/config_values.h"
#include "launcher/plan_json.h"
#include "protocol/printable.h"

namespace launcher {
namespace {

using protocol::json;

constexpr std::uint32_t gateway_verbs = 600;  // in a minute: dials and status of many people

bool is_logged(launcher_verb verb) { return verb != launcher_verb::status && verb != launcher_verb::heartbeat; }

// A component's turn is taken by what changes it. A plan reads a binary of 100 MB: one at a time as well.
std::optional<component_turns::who> turn_of(const verb_peer& peer, const launcher_request& request, const std::string& by) {
    component_turns::who out;
    out.root = peer.who == peer_kind::root;
    out.name = request.component;
    out.what = std::string(to_string(request.verb)) + " by " + by;
    switch (request.verb) {
        case launcher_verb::start:
        case launcher_verb::stop:
        case launcher_verb::restore: return out;
        case launcher_verb::inspect: out.how = component_turns::kind::look; return out;
        default: return std::nullopt;
    }
}

std::string name_of(const verb_peer& peer, const launcher_request& request) {
    if (peer.who == peer_kind::root) return peer.login.empty() ? "root" : "root (login " + peer.login + ")";
    return request.by.empty() ? "the gateway" : request.by;
}

std::string in_words(std::chrono::milliseconds time) {
    return format_duration(std::max(std::chrono::ceil<std::chrono::seconds>(time), std::chrono::seconds(1)));
}

lifecycle_request lifecycle_of(const verb_peer& peer, const launcher_request& request) {
    lifecycle_request out;
    out.by = name_of(peer, request);
    out.uid = peer.uid;
    out.remote = peer.who != peer_kind::root;
    out.plan_hash = request.plan;
    out.session = request.session;
    out.stop_on_entry = request.stop_on_entry;
    out.forces = request.forces;
    out.decide = request.decide;
    return out;
}

template <class T, class Make>
verb_answer answer_of(outcome<T> came, const Make& make) {
    if (!came) return verb_answer::no(launcher_fault::failed, came.error());
    return verb_answer::of(make(*came));
}

}  // namespace

verb_desk::verb_desk(const launcher_config& configuration, component_manager& manager, armory& arms, verb_log log,
                     boot_clock clock)
    : configuration_(configuration),
      manager_(manager),
      arms_(arms),
      log_(std::move(log)),
      gateways_(gateway_uids_of(configuration)),
      starts_(configuration.remote_starts, configuration.remote_starts_period, clock.now),
      verbs_(gateway_verbs, std::chrono::minutes(1), clock.now) {
    manager_.heed([&arms](const std::string& name) { return arms.latest(name); });
}

peer_kind verb_desk::kind_of(uid_t uid) const {
    if (uid == 0) return peer_kind::root;
    return std::find(gateways_.begin(), gateways_.end(), uid) != gateways_.end() ? peer_kind::gateway : peer_kind::stranger;
}

outcome<void> verb_desk::logged(const asked_verb& what) {
    const std::lock_guard hold(log_lock_);
    return log_(what);
}

verb_answer verb_desk::answer(const verb_peer& peer, const launcher_request& request,
                              const std::function<void(json)>& progress, const std::function<bool()>& gone) {
    // Before the log, which would be filled otherwise. A heartbeat is what keeps a component out: never turned away.
    if (peer.who == peer_kind::gateway && request.verb != launcher_verb::heartbeat)
        if (const auto wait = verbs_.take("gateway"); wait.count() > 0)
            return verb_answer::no(launcher_fault::limited, "the gateway asks too much; again in " + in_words(wait));
    const std::uint64_t number = ++number_;
    const auto away = turned_away(peer, request);
    // What the gateway may ask for as often as it likes is written where it crowds out nothing else.
    const bool changes = request.verb != launcher_verb::inspect && request.verb != launcher_verb::dial;
    const bool aside = peer.who == peer_kind::gateway && (away || !changes);
    if (is_logged(request.verb)) {
        const auto written = logged({asked_verb::phase::asked, number, peer.uid, peer.pid, peer.login, request, "", aside});
        const bool needs_it = request.verb == launcher_verb::start || request.verb == launcher_verb::arm;
        if (!written && needs_it) return verb_answer::no(launcher_fault::failed, written.error() + "; nothing was done");
    }
    verb_answer out;
    try {
        out = away ? verb_answer::no(away->first, away->second) : in_turn(peer, request, progress, gone);
    } catch (const std::exception& error) {
        out = verb_answer::no(launcher_fault::failed, std::string("the launcher failed within: ") + error.what());
    }
    out.text = protocol::printable(out.text);
    // Done is done: that it cannot be written is no reason to say that it was not.
    if (is_logged(request.verb))
        static_cast<void>(logged({asked_verb::phase::done, number, peer.uid, peer.pid, peer.login, request,
                                  out.ok ? "ok" : std::string(to_string(out.fault)) + ": " + out.text, aside}));
    return out;
}

verb_question verb_desk::question_of(const verb_peer& peer, const launcher_request& request) const {
    const auto* definition = configuration_.find(request.component);
    verb_question question;
    question.who = peer.who;
    question.verb = request.verb;
    question.forced = !request.forces.empty();
    question.decides = request.decide != decision::none;
    question.acts_for = !request.by.empty();
    question.remote = definition ? definition->remote : remote_start::never;
    question.armed = definition && arms_.armed(request.component);
    return question;
}

std::optional<std::pair<launcher_fault, std::string>> verb_desk::turned_away(const verb_peer& peer,
                                                                             const launcher_request& request) {
    using away = std::pair<launcher_fault, std::string>;
    if (auto refusal = refusal_of(question_of(peer, request), request.component))
        return away(launcher_fault::refused, *refusal);
    // What gives back works for what is not in launcher.yaml any more.
    const bool needs_definition = request.verb == launcher_verb::inspect || request.verb == launcher_verb::start ||
                                  request.verb == launcher_verb::arm;
    if (needs_definition && !configuration_.find(request.component))
        return away(launcher_fault::unknown, request.component + " is not in launcher.yaml; root on the node adds it there and "
                                                                 "restarts the launcher");
    const bool counted = request.verb == launcher_verb::start || request.verb == launcher_verb::stop ||
                         request.verb == launcher_verb::restore;
    if (peer.who != peer_kind::gateway || !counted) return std::nullopt;
    // Names that there are not share one count: they are the gateway's to invent.
    const std::string known = configuration_.find(request.component) ? request.component : "";
    const auto wait = starts_.take(std::string(to_string(request.verb)) + " " + known);
    if (wait.count() == 0) return std::nullopt;
    return away(launcher_fault::limited, (request.component.empty() ? "the launcher" : request.component) + " was asked to " +
                                             std::string(to_string(request.verb)) + " too often through the gateway; again in " +
                                             in_words(wait) + ", or at once by root on the node");
}

verb_answer verb_desk::in_turn(const verb_peer& peer, const launcher_request& request,
                               const std::function<void(json)>& progress, const std::function<bool()>& gone) {
    const auto waits = turn_of(peer, request, name_of(peer, request));
    if (!waits) return done(peer, request, progress);
    const auto told = [&](const std::string& busy) {
        progress(json::object{{"component", request.component}, {"state", "waiting"}, {"text", "waiting for " + busy + " to end"}});
    };
    const auto turn = turns_.take(*waits, told, gone);
    if (!turn) return verb_answer::no(launcher_fault::busy, "the launcher is ending, or whoever asked has left; nothing was done");
    // It may have taken minutes: what was armed then may not be now.
    if (auto refusal = refusal_of(question_of(peer, request), request.component))
        return verb_answer::no(launcher_fault::refused, *refusal);
    return done(peer, request, progress);
}

verb_answer verb_desk::done(const verb_peer& peer, const launcher_request& request, const std::function<void(json)>& progress) {
    const auto step = [&progress](const progress_step& one) { progress(to_json(one)); };
    const auto shown_status = [this](component_status status) {
        if (const auto left = arms_.left(status.name))
            status.armed_until = std::time(nullptr) + std::chrono::ceil<std::chrono::seconds>(*left).count();
        return to_json(status);
    };
    switch (request.verb) {
        case launcher_verb::inspect:
            return answer_of(manager_.inspect(request.component), [&peer](const component_plan& plan) {
                return to_json(plan, peer.who == peer_kind::root ? shown::everything : shown::masked);
            });
        case launcher_verb::start:
            return answer_of(manager_.start(request.component, lifecycle_of(peer, request), step), shown_status);
        case launcher_verb::stop:
            return answer_of(manager_.stop(request.component, lifecycle_of(peer, request), step), shown_status);
        case launcher_verb::restore:
            return answer_of(manager_.restore(request.component, lifecycle_of(peer, request), step),
                             [](const std::vector<restore_report>& reports) {
                                 json::array out;
                                 for (const auto& one : reports) out.push_back(to_json(one));
                                 return json(json::object{{"reports", std::move(out)}});
                             });
        case launcher_verb::status: return verb_answer::of(status());
        case launcher_verb::arm:
        case launcher_verb::disarm: return armed(peer, request);
        case launcher_verb::dial: {
            auto fd = manager_.dial(request.component, request.session);
            if (!fd) return verb_answer::no(launcher_fault::failed, fd.error());
            if (!*fd) return verb_answer::no(launcher_fault::failed, request.component + " cannot be dialled");
            auto out = verb_answer::of(json::object{{"component", request.component}});
            out.descriptor = std::move(*fd);
            return out;
        }
        case launcher_verb::park: {
            const auto parked = manager_.park(request.component, request.session, request.duration,
                                              {0, name_of(peer, request), request.note, request.stop});
            if (!parked) return verb_answer::no(launcher_fault::failed, parked.error());
            return verb_answer::of(json::object{{"component", request.component}, {"until", parked->until}});
        }
        case launcher_verb::heartbeat: {
            const auto beat = manager_.heartbeat(request.component, request.session, request.sessions);
            if (!beat) return verb_answer::no(launcher_fault::failed, beat.error());
            return verb_answer::of(json::object{});
        }
    }
    return verb_answer::no(launcher_fault::malformed, "there is no such verb");
}

verb_answer verb_desk::armed(const verb_peer& peer, const launcher_request& request) {
    const std::string& name = request.component;
    if (request.verb == launcher_verb::disarm) {
        const auto kept = arms_.disarm(name);
        const auto told = manager_.tell_ceiling(name);
        if (!told)
            return verb_answer::no(launcher_fault::failed, name + " is disarmed, but its guard could not be told so: " + told.error() +
                                                               "; it is told as soon as it answers, and delvegate stop " + name +
                                                               " ends what runs");
        if (!kept)
            return verb_answer::no(launcher_fault::failed, kept.error() + "; " + name + " is disarmed until the launcher restarts");
        return verb_answer::of(json::object{{"component", name}, {"armedUntil", std::int64_t{0}}});
    }
    if (request.duration > configuration_.arm_time_max)
        return verb_answer::no(launcher_fault::failed, name + " can be armed for at most " + format_duration(configuration_.arm_time_max) +
                                                           " at once (launcher.yaml: armTimeMax)");
    if (const auto fine = arms_.arm(name, request.duration, name_of(peer, request)); !fine)
        return verb_answer::no(launcher_fault::failed, name + " is not armed: " + fine.error());
    (void)manager_.tell_ceiling(name);  // tried again by itself
    return verb_answer::of(json::object{{"component", name}, {"armedUntil", std::int64_t{std::time(nullptr) + request.duration.count()}}});
}

json verb_desk::status() {
    auto all = manager_.status();
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.detached > b.detached; });
    json::array out;
    for (auto& one : all) {
        if (const auto left = arms_.left(one.name))
            one.armed_until = std::time(nullptr) + std::chrono::ceil<std::chrono::seconds>(*left).count();
        out.push_back(to_json(one));
    }
    json report = json::object{{"version", DELVEGATE_VERSION}, {"components", std::move(out)}};
    if (!arms_.warning().empty()) report.set("warnings", json::array{json(arms_.warning())});
    return report;
}

std::optional<component_turns::turn> verb_desk::everything() {
    component_turns::who asks;
    asks.root = true;
    asks.what = "the launcher's recovery";
    return turns_.take(asks, [](const std::string&) {}, [] { return false; });
}

void verb_desk::recover(const std::function<void(const std::string&)>& say) {
    try {
        for (const auto& one : manager_.recover([&say](const progress_step& step) { say(step.component + ": " + step.text); })) {
            say(one.name + ": " + one.text);
            for (const auto& line : one.decide) say(one.name + ": to decide: " + line);
        }
    } catch (const std::exception& error) {
        say(std::string("recovery failed within: ") + error.what() + "; run: delvegate restore");
    }
}

}  // namespace launcher
