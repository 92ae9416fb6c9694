#include "gateway/launched.h"

#include <algorithm>
#include <utility>

#include "gateway/component_log.h"
#include "gateway/utc.h"
#include "protocol/printable.h"

namespace gateway {

using launcher::component_state;
using protocol::json;

namespace {

// Between two attempts to attach: twice as long each time.
constexpr std::chrono::milliseconds first_pause{250};
constexpr std::chrono::milliseconds longest_pause{5000};
// A dlv that has not answered by then is given up, and tried again.
constexpr std::chrono::seconds attach_time{30};

std::string time_of(std::int64_t seconds) {
    return utc_time(std::chrono::system_clock::from_time_t(static_cast<std::time_t>(seconds)));
}

}  // namespace

launched::launched(boost::asio::io_context& io, const launcher_parts& parts, hub& session, std::string name)
    : io_(io), parts_(parts), hub_(session), name_(std::move(name)), again_(io), patience_(io), pause_(first_pause) {
    hub_.park().keeper = [this](const hub_park::order& what, const hub_park::kept& done) { park(what, done); };
    parts_.watch.listen({name_,
                         [this, alive = std::weak_ptr<char>(alive_)] {
                             if (!alive.expired()) changed();
                         },
                         [this, alive = std::weak_ptr<char>(alive_)] {
                             // Whoever has parked a stop need not stay with it.
                             return !alive.expired() && (!hub_.viewers().empty() || hub_.park().holds());
                         }});
}

// The guard keeps it, so that it lasts when this gateway dies; root's limit is asked there, too.
void launched::park(const hub_park::order& what, const hub_park::kept& done) {
    launcher::launcher_request request;
    request.verb = launcher::launcher_verb::park;
    request.component = name_;
    request.session = session_;
    request.duration = what.time;
    request.stop = what.stop;
    request.by = protocol::printable(what.by.user).substr(0, 128);
    request.note = what.note;
    using until = launcher::outcome<std::chrono::system_clock::time_point>;
    parts_.client.ask(std::move(request), [this, alive = std::weak_ptr<char>(alive_), done](const launcher_answer& answer) {
        if (alive.expired()) return;
        if (answer.failed) return done(until(boost::system::in_place_error, answer.failed->text));
        const auto seconds = answer.result.get_int("until");
        parts_.watch.ask_now();
        done(until(boost::system::in_place_value, std::chrono::system_clock::from_time_t(static_cast<std::time_t>(seconds))));
    });
}

void launched::start() {
    listening_ = true;
    hub_.set_down(situation());
}

void launched::stop() {
    stopping_ = true;
    again_.cancel();
    patience_.cancel();
    session_.clear();
    hub_.detach("the gateway is stopping");
}

void launched::changed() {
    if (stopping_ || !listening_) return;
    const auto* now = report();
    if (now) hub_.budget().change(now->budget);
    const bool attached = !session_.empty();
    if (now && now->in_session()) {
        if (attached && session_ == now->session) {
            // By an earlier gateway, which has gone meanwhile.
            if (!attaching_ && now->parked_until != 0)
                hub_.park().adopt(now->park.by, now->park.note, now->park.stop,
                                  std::chrono::system_clock::from_time_t(static_cast<std::time_t>(now->parked_until)));
            return;
        }
        if (attached) let_go(now);
        return attach(*now);
    }
    // An exit is dlv's to tell, with its status; what comes after it ends the session.
    if (attached && !(now && now->state == component_state::exited && now->session == session_)) return let_go(now);
    if (!attached) hub_.set_down(situation());
}

void launched::attach(const launcher_report& now) {
    if (attaching_) return;  // to an earlier session, which will fail; then it is looked at again
    attaching_ = true;
    session_ = now.session;
    stopped_by_.clear();
    hub_.attach(parts_.client.route(name_, session_), false,
                [this, alive = std::weak_ptr<char>(alive_)](const std::string& error) {
                    if (alive.expired()) return;
                    attaching_ = false;
                    patience_.cancel();
                    if (stopping_) return;
                    if (error.empty()) {
                        trouble_.clear();
                        pause_ = first_pause;
                        if (on_attached) on_attached({});
                        return changed();
                    }
                    lost("its dlv could not be used: " + error);
                    if (on_attached) on_attached(error);
                });
    if (!attaching_) return;
    patience_.expires_after(attach_time);
    patience_.async_wait([this](const error_code& ec) {
        if (ec || !attaching_ || stopping_) return;
        hub_.detach("its dlv does not answer");
        lost("its dlv does not answer");
        if (on_attached) on_attached("its dlv does not answer");
    });
}

// The launcher's word decides what comes next; if it still runs it is attached again.
void launched::lost(const std::string& why) {
    if (stopping_) return;
    if (why != trouble_) component_log(name_, session_).warn("{}", protocol::printable(why));
    trouble_ = why;
    session_.clear();
    attaching_ = false;
    patience_.cancel();
    hub_.set_down(situation());
    again_.expires_after(pause_);
    pause_ = std::min(pause_ * 2, longest_pause);
    again_.async_wait([this](const error_code& ec) {
        if (ec || stopping_) return;
        parts_.watch.ask_now();
        changed();
    });
}

void launched::let_go(const launcher_report* now) {
    std::string why = name_ + " ";
    const std::string by = stopped_by_.empty() ? "" : " by " + stopped_by_;
    if (!now)
        why += "is not known to the launcher any more";
    else if (now->in_session())
        why += "was started anew by " + (now->by.empty() ? std::string("somebody") : now->by) + "; connect again";
    else if (now->state == component_state::exited)
        why += "has exited, and is put back where it belongs";
    else if (now->state == component_state::not_put_back)
        why += "was stopped" + by + " and could not be put back by itself; see: delvegate status " + name_;
    else
        why += "was stopped" + by + " and goes back to where it belongs; this session is over";
    component_log(name_, session_).info("{}", protocol::printable(why));
    session_.clear();
    stopped_by_.clear();
    attaching_ = false;
    patience_.cancel();
    hub_.detach(why);
    if (now && !now->in_session()) hub_.set_down(situation());
}

std::string launched::situation() const {
    if (!parts_.watch.answered()) return parts_.watch.trouble();
    const auto* now = report();
    if (!now) return "the launcher knows no component " + name_ + "; root defines it in launcher.yaml on the node";
    const std::string by = now->by.empty() ? "" : " by " + now->by;
    switch (now->state) {
        case component_state::available:
        case component_state::returned: return name_ + " runs where it belongs, not under dlv";
        case component_state::starting:
        case component_state::detaching: return name_ + " is being started" + by + "; try again in a moment";
        case component_state::running:
        case component_state::stopped:
            return trouble_.empty() ? name_ + " is being attached to; try again in a moment" : name_ + ": " + trouble_;
        case component_state::exited: return name_ + " has exited and is not put back yet";
        case component_state::stopping:
        case component_state::restoring: return name_ + " is being put back where it belongs; try again when it is there";
        case component_state::failed:
            return name_ + " could not be started" + (now->notes.empty() ? "" : ": " + now->notes.front());
        case component_state::not_put_back:
            return name_ + " is not put back: root must decide on the node; see: delvegate status " + name_;
    }
    return name_ + " is not there";
}

std::string launched::why_not(const auth::grants& of) const {
    std::string text = situation();
    const auto* now = report();
    if (!now || (now->state != component_state::available && now->state != component_state::returned &&
                 now->state != component_state::failed))
        return text;
    const auto may = of.decide("start", {protocol::op_class::lifecycle});
    const std::string command = "delvegate start " + name_;
    if (now->remote == "never") return text + "; root starts it on the node: " + command;
    text += may.allowed ? "; start it with: " + command
                        : "; it is started with `" + command + "`, which needs lifecycle; " + may.remedy;
    const auto seconds = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    if (now->remote == "armed" && now->armed_until <= seconds) text += "; first root on the node: delvegate arm " + name_;
    return text;
}

std::string launched::state() const {
    const auto* now = report();
    if (!now) return "unknown";
    return now->in_session() ? "starting" : std::string(to_string(now->state));
}

json launched::status() const {
    json out = json::object{};
    out.set("state", report() ? to_string(report()->state) : "unknown");
    if (!parts_.watch.trouble().empty()) out.set("trouble", parts_.watch.trouble());
    const auto* now = report();
    if (!now) return out;
    out.set("kind", now->kind);
    out.set("detached", now->detached);
    if (now->since) out.set("since", time_of(now->since));
    if (!now->by.empty()) out.set("by", now->by);
    if (now->deadline) out.set("deadline", time_of(now->deadline));
    out.set("remoteStart", now->remote);
    if (now->armed_until) out.set("armedUntil", time_of(now->armed_until));
    const auto lines = [&out](std::string_view key, const std::vector<std::string>& from) {
        json::array all;
        for (const auto& one : from) all.push_back(one);
        if (!all.empty()) out.set(key, std::move(all));
    };
    lines("notes", now->notes);
    lines("warnings", now->warnings);
    return out;
}

}  // namespace gateway
