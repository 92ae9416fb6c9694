// What the launcher asks of the guard (guard_control.h).
#include "launcher/guard_loop.h"

#include <algorithm>

#include "launcher/guard_words.h"
#include "protocol/printable.h"

namespace launcher {

namespace {

using protocol::json;

constexpr std::size_t max_park_words = 512;  // bytes each
constexpr std::chrono::milliseconds look_again{1'000};

json fine() {
    json j = json::object{};
    j.set("ok", true);
    return j;
}

json refused(const std::string& why) {
    json j = json::object{};
    j.set("ok", false);
    j.set("error", why);
    return j;
}

// A packet has to hold them all; the state file has them whole.
json in_short(const json::array& breakpoints) {
    json::array all;
    for (const json& b : breakpoints) {
        json one = json::object{};
        for (const char* key : {"id", "name", "file", "line", "how"})
            if (const json* value = b.find(key)) one.set(key, *value);
        all.push_back(std::move(one));
    }
    return all;
}

guard_deeds::on_done tell(const guard_callers::answer& answer) {
    return [answer](const std::string& error) { answer(error.empty() ? fine() : refused(error)); };
}

}  // namespace

void guard_loop::asked(const json& request, const guard_callers::answer& answer) {
    const auto verb = request.get_string("verb");
    if (verb == "status") {
        json j = fine();
        auto s = status();
        s.taken = in_short(taken_);
        const json all = to_json(s);
        for (const auto& [name, value] : *all.if_object()) j.set(name, value);
        return answer(j);
    }
    if (verb == "alive") {
        alive_at_ = now();
        return answer(fine());
    }
    if (verb == "counting") {
        if (!clock_.counting() && !entry_since_) {
            if (request.get_bool("entry")) entry_since_ = now();
            else clock_.start(now());
            stopped_since_ = now();
            remember(true);
        }
        return answer(fine());
    }
    if (verb == "resume") return ask_resume(request, answer);
    if (verb == "park") return ask_park(request, answer);
    if (verb == "breakpoints_on") return ask_breakpoints_on(answer);
    if (verb == "ceiling") return ask_ceiling(request, answer);
    if (verb == "end") return ask_end(answer);
    answer(refused("the guard does not know the verb " + to_text(json(verb)) + ": launcher and guard are of different versions"));
}

void guard_loop::ask_resume(const json& request, const guard_callers::answer& answer) {
    const auto how = request.get_string("breakpoints", "off");
    const auto what = how == "keep" ? deed::keep : how == "clear" ? deed::clear : deed::off;
    if (how != "keep" && how != "clear" && how != "off") return answer(refused("breakpoints are keep, off or clear"));
    log_.say("the launcher resumes, breakpoints: " + std::string(how));
    orders_.push_back({what, tell(answer)});
}

void guard_loop::ask_breakpoints_on(const guard_callers::answer& answer) {
    if (!off_) return answer(fine());
    if (!duty_done())
        return answer(refused("breakpoints of " + settings_.component + " stay off until one duty has been done"));
    if (!relays_.empty() && sight_ != seen::stopped)
        return answer(refused("the gateway is connected and " + settings_.component +
                              " runs: ask before it connects, or when it stands"));
    orders_.push_back({deed::on, tell(answer)});
}

void guard_loop::ask_ceiling(const json& request, const guard_callers::answer& answer) {
    const json* names = request.find("classes");
    const auto wanted = classes_of(names ? *names : json());
    if (!wanted) return answer(refused(wanted.error()));
    const auto beyond = wanted->without(settings_.ceiling);
    const auto next = wanted->without(beyond);
    const bool less = !ceiling_.within(next);
    const bool other = less || !next.within(ceiling_);
    ceiling_ = next;
    if (less) cut("the ceiling is lower now");
    if (other) {
        log_.say("the launcher sets the ceiling: " + to_string(ceiling_));
        remember(true);
        // It holds all the same; but a guard that is started after this one would not know.
        if (!memory_works_) return answer(refused("the ceiling is set, but not kept: " + memory_works_.error()));
    }
    json j = fine();
    j.set("classes", class_names(ceiling_));
    answer(j);
}

// Whoever asks may be a gateway in strange hands: the limit is root's, counted from when this stop was parked first.
void guard_loop::ask_park(const json& request, const guard_callers::answer& answer) {
    const auto t = now();
    const auto& app = settings_.component;
    const time limit = settings_.park_limit;
    if (limit == time(0)) return answer(refused("stops of " + app + " may not be parked: root says for how long in launcher.yaml, key `park`, and starts it anew"));
    if (sight_ != seen::stopped) {
        // It may have come to rest since it was last looked at.
        if (request.get_bool("again")) return answer(refused(app + " does not stand"));
        json later = request;
        later.set("again", true);
        parks_.push_back({std::move(later), answer, t + look_again});
        return;
    }
    if (off_ || deeds_.busy() || !orders_.empty() || clock_.at(t) == budget_clock::level::used_up)
        return answer(refused("the stop budget of " + app + " is used up: it has to do its duty first"));
    const bool held = clock_.held(t);
    const time most = held ? parked_from_ + limit - t : limit;
    constexpr std::int64_t longest = 30 * 24 * 3600;  // no limit is longer, and no number overflows
    const std::chrono::seconds asked(std::clamp<std::int64_t>(request.get_int("seconds"), 0, longest));
    const time wanted = request.find("seconds") ? time(asked) : most;
    if (wanted <= time(0) || wanted > most)
        return answer(refused(app + " may be parked for at most " + std::to_string(limit.count() / 1000) + " s" + (held ? " altogether" : "")));
    if (!held) parked_from_ = t;
    const auto text = [&](const char* key) { return protocol::printable(request.get_string(key)).substr(0, max_park_words); };
    park_ = {text("by"), text("note"), text("stop")};
    if (park_.stop.empty()) park_.stop = "?";
    clock_.hold(t + wanted);
    log_.say("stop " + park_.stop + " is parked by " + park_.by + " for " + std::to_string(wanted.count() / 1000) + " s");
    remember(true);
    json j = fine();
    j.set("parkedMs", std::int64_t(wanted.count()));
    answer(j);
}

void guard_loop::serve_parks() {
    const auto t = now();
    while (!parks_.empty() && (sight_ == seen::stopped || t >= parks_.front().until)) {
        const auto next = std::move(parks_.front());
        parks_.pop_front();
        ask_park(next.request, next.answer);
    }
}

void guard_loop::ask_end(const guard_callers::answer& answer) {
    ceiling_ = {};
    cut("the guard is to end");
    orders_.push_back({deed::clear, [this, answer](const std::string& error) {
                           ended_ = error.empty();
                           tell(answer)(error);
                       }});
}

}  // namespace launcher
