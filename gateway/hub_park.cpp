#include "gateway/hub_park.h"

#include <algorithm>
#include <random>
#include <utility>

#include "gateway/component_log.h"
#include "gateway/config.h"
#include "gateway/hub.h"
#include "gateway/utc.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wall = std::chrono::system_clock;

namespace {


std::string new_mark() {
    static constexpr char digits[] = "0123456789abcdef";
    std::random_device entropy;
    std::string out;
    for (auto word = entropy(); out.size() < 4; word >>= 4) out += digits[word & 15];
    return out;
}

hub_park::told refused(std::string why) { return {boost::system::in_place_error, std::move(why)}; }
hub_park::told done_so(std::string what) { return {boost::system::in_place_value, std::move(what)}; }

}  // namespace

hub_park::hub_park(hub& of, milliseconds longest) : hub_(of), longest_(longest), mark_(new_mark()), timer_(of.context()) {}

std::string hub_park::name() const {
    return held_ ? held_->stop : std::to_string(hub_.last_stop().number) + "-" + mark_;
}

void hub_park::tell(const std::string& text) {
    component_log(hub_.name()).info("{}", protocol::printable(text));
    hub_.notice(text, [](const viewer&) { return true; });
    if (hub_.budget().on_event) hub_.budget().on_event(text);
}

// What speaks against a park now; empty: nothing here does.
std::string hub_park::refusal(const person& by, bool rules) const {
    const auto& app = hub_.name();
    if (hub_.now() != phase::stopped || hub_.about_to_run())
        return app + (hub_.now() == phase::running || hub_.now() == phase::stopped ? " runs" : " is " + std::string(to_string(hub_.now()))) +
               ": what is parked is a stop; halt it first";
    if (!rules)
        if (auto why = hub_.baton().refusal(by); !why.empty()) return why;
    if (hub_.budget().off()) return hub_.budget().refusal();
    return {};
}

void hub_park::park(const order& what, bool rules, on_told done) {
    if (auto why = refusal(what.by, rules); !why.empty()) return done(refused(std::move(why)));
    auto asked = what;
    asked.stop = name();
    if (keeper) {
        const auto number = hub_.last_stop().number;
        return keeper(asked, [this, asked, rules, number, done = std::move(done)](const auto& until) {
            if (!until) return done(refused(until.error()));
            // The answer has taken its time. What is kept there ends by itself where the program runs.
            if (auto why = refusal(asked.by, rules); !why.empty() || hub_.last_stop().number != number)
                return done(refused(why.empty() ? hub_.name() + " has moved on meanwhile" : std::move(why)));
            hold(asked, *until);
            done(done_so(words()));
        });
    }
    if (longest_.count() == 0)
        return done(refused("stops of " + hub_.name() + " may not be parked: the key `park` of the component in gateway.yaml says for how long"));
    const auto limit = "; " + hub_.name() + " may be parked for at most " + format_duration(longest_);
    if (asked.time > longest_) return done(refused("that is too long" + limit));
    const auto now = std::chrono::steady_clock::now();
    const auto end = (held_ ? held_->first : now) + longest_;
    const milliseconds time = asked.time.count() > 0 ? milliseconds(asked.time) : std::chrono::duration_cast<milliseconds>(end - now);
    if (now + time > end || time.count() <= 0)
        return done(refused("this stop has been parked since " + utc_time(held_->since) + limit + " altogether"));
    hold(asked, wall::now() + time);
    done(done_so(words()));
}

void hub_park::hold(const order& what, wall::time_point until) {
    const auto now = std::chrono::steady_clock::now();
    const auto time = std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(until - wall::now()));
    state next{what.by.user, what.note, wall::now(), until, what.stop, now};
    if (held_) {
        next.first = held_->first;
        next.since = held_->since;
    }
    held_ = std::move(next);
    const auto all = hub_.viewers();
    if (std::any_of(all.begin(), all.end(), [&](const viewer* v) { return person_of(v->who().who) == what.by; })) hub_.baton().pauses(what.by);
    hub_.budget().hold(now + time);
    timer_.expires_at(now + time);
    timer_.async_wait([this](const boost::system::error_code& ec) {
        if (!ec) over();
    });
    tell(words());
}

void hub_park::adopt(const std::string& by, std::string note, std::string stop, wall::time_point until) {
    if (held_ || ran_ || hub_.now() != phase::stopped || until <= wall::now()) return;
    hold({{by, {}}, std::move(note), {}, std::move(stop)}, until);
}

void hub_park::unpark(const person& by, bool rules, const on_told& done) {
    if (!held_) return done(refused("no stop of " + hub_.name() + " is parked"));
    if (!rules)
        if (auto why = hub_.baton().refusal(by); !why.empty()) return done(refused(std::move(why)));
    const auto which = held_->stop;
    hub_.go_on(by.user);
    done(done_so(hub_.name() + " goes on: stop " + which + " is parked no more"));
}

void hub_park::over() {
    if (!held_) return;
    const auto was = *std::exchange(held_, std::nullopt);
    const bool goes_on = hub_.budget().terms().any() && !hub_.last_stop().entry;
    tell("the time is over for which " + was.by + " has parked stop " + was.stop + " (" + was.note + ")" +
         (goes_on ? "; it goes on when its stop budget is used up" : ""));
}

void hub_park::runs(std::string_view by) {
    ran_ = true;
    if (!held_) return;
    const auto was = *std::exchange(held_, std::nullopt);
    timer_.cancel();
    tell("stop " + was.stop + ", parked by " + was.by + " (" + was.note + "), is over: " + (by.empty() ? "it" : std::string(by)) +
         (by.empty() ? " goes on" : " runs the program"));
}

void hub_park::forget() {
    held_.reset();
    timer_.cancel();
    ran_ = false;
}

std::string hub_park::words() const {
    if (!held_) return {};
    return "stop " + held_->stop + " of " + hub_.name() + " is parked by " + held_->by + " until " + utc_time(held_->until) + ": " + held_->note;
}

std::string hub_park::words_of(std::string_view stop) const {
    const auto& app = hub_.name();
    const bool stands = hub_.now() == phase::stopped;
    std::string where;
    if (stands) {
        const auto& at = hub_.last_stop();
        where = at.entry ? "its entry" : at.state.position();
        if (where.empty()) where = "a place without a name";
        where += " since " + utc_time(at.since);
    }
    if (stands && stop == name()) return (held_ ? words() : "stop " + name() + " of " + app) + "; it stands at " + where;
    std::string text = "stop " + std::string(stop) + " of " + app + " stands no more: ";
    if (stands) return text + app + " has moved on and stands at " + where + (held_ ? "; " + words() : ", stop " + name());
    if (hub_.now() == phase::running) return text + hub_.running_words();
    return text + app + " is " + std::string(to_string(hub_.now()));
}

json hub_park::describe() const {
    if (!held_) return {};
    return json::object{{"stop", held_->stop},
                        {"by", held_->by},
                        {"note", held_->note},
                        {"since", utc_time(held_->since)},
                        {"until", utc_time(held_->until)}};
}

}  // namespace gateway
