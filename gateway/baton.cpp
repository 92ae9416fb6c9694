#include "gateway/baton.h"

#include <algorithm>
#include <utility>

#include "gateway/utc.h"

namespace gateway {

namespace {

using told = baton::told;

told done(std::string text) { return told(boost::system::in_place_value, std::move(text)); }
told refused(std::string text) { return told(boost::system::in_place_error, std::move(text)); }

bool among(const std::vector<person>& all, const person& who) { return std::find(all.begin(), all.end(), who) != all.end(); }

std::string names(const std::vector<person>& all) {
    std::string text;
    for (const auto& one : all) text += (text.empty() ? "" : ", ") + one.user;
    return text;
}

std::string the_baton(std::string_view component) { return "the baton of " + std::string(component); }
std::string nobody_has(std::string_view component) {
    return "nobody has " + the_baton(component) + ": whoever runs it next has it";
}
std::string everybody(std::string_view component) {
    return std::string(component) + " is run by everybody who has control (runControl: open): there is no baton";
}

}  // namespace

std::string baton::refusal(const person& who, moment now, std::string_view component) const {
    if (settings_.open) return {};
    const std::string what_to_do = "; ask for it: delvegate baton ask " + std::string(component);
    if (has_first(now)) {
        if (among(first_, who)) return {};
        return "it stands at a breakpoint of " + names(first_) + ", who may run it first until " + utc_time(first_until_.clock) +
               what_to_do;
    }
    const bool idle = !steps_ && now.at - used_.at >= settings_.idle;
    if (!holder_ || *holder_ == who || idle) return {};
    return holder_->user + " has " + the_baton(component) + " since " + utc_time(since_.clock) + ", and with it runs and steps it" +
           what_to_do;
}

void baton::recall(const person& who, moment now, std::chrono::system_clock::time_point since) {
    if (settings_.open) return;
    hand_to(who, now);
    since_.clock = since;
}

void baton::runs(const person& who, bool step, moment now) {
    if (settings_.open) return;
    if (holder_ != who) hand_to(who, now);
    used_ = now;
    steps_ = step;
    first_.clear();
}

void baton::pauses(const person& who, moment now) {
    if (settings_.open) return;
    if (!holder_) hand_to(who, now);
    seen(who, now);
}

void baton::stops(std::vector<person> owners, moment now) {
    if (std::exchange(steps_, false)) used_ = now;
    first_.clear();
    if (settings_.open || owners.empty() || (holder_ && among(owners, *holder_))) return;
    first_ = std::move(owners);
    first_until_ = {now.at + settings_.first_right, now.clock + settings_.first_right};
}

void baton::seen(const person& who, moment now) {
    if (holder_ == who) used_ = now;
}

void baton::hand_to(const person& who, moment now) {
    for (const auto& one : asks_)
        if (one.who == who) ++granted_, waited_ += now.at - one.when.at;
    holder_ = who;
    since_ = used_ = now;
    steps_ = false;
    first_.clear();
    forget(who);
}

void baton::forget(const person& who) {
    std::erase_if(asks_, [&](const request& one) { return one.who == who; });
}

std::optional<baton::passing> baton::release(moment now, std::string why) {
    passing passed{*std::exchange(holder_, std::nullopt), std::nullopt, std::move(why)};
    steps_ = false;
    if (!asks_.empty()) hand_to(person(asks_.front().who), now);
    passed.to = holder_;
    return passed;
}

std::optional<baton::passing> baton::left(const person& who, moment now) {
    forget(who);
    std::erase(first_, who);
    if (holder_ != who) return std::nullopt;
    return release(now, who.user + " has left");
}

std::optional<baton::passing> baton::keep_only(const std::function<bool(const person&)>& may, moment now) {
    std::erase_if(asks_, [&](const request& one) { return !may(one.who); });
    std::erase_if(first_, [&](const person& one) { return !may(one); });
    if (!holder_ || may(*holder_)) return std::nullopt;
    return release(now, holder_->user + " may not run it any more");
}

std::optional<baton::passing> baton::look(moment now) {
    if (!holder_ || steps_ || now.at - used_.at < settings_.idle) return std::nullopt;
    return release(now, holder_->user + " has done nothing for a while");
}

std::optional<std::chrono::steady_clock::time_point> baton::next() const {
    if (asks_.empty() || !holder_ || steps_) return std::nullopt;
    return used_.at + settings_.idle;
}

// --- by hand ------------------------------------------------------------------------------------------------------

told baton::ask(const person& who, moment now, std::string_view component) {
    if (settings_.open) return refused(everybody(component));
    if (holder_ == who && !has_first(now)) return done("you have " + the_baton(component) + " already");
    if (holder_ == who) return done(words(now, component));
    if (has_first(now) ? among(first_, who) : !holder_) {
        hand_to(who, now);
        return done(the_baton(component) + " is yours");
    }
    if (!among(asking(), who)) asks_.push_back({who, now});
    const std::string whom = holder_ ? holder_->user : names(first_);
    return done(whom + " is asked for " + the_baton(component) + "; it is yours when " + whom +
                " gives it, drops it, leaves or does nothing for a while");
}

told baton::give(const person& by, bool rules, const std::optional<person>& to, moment now, std::string_view component) {
    if (settings_.open) return refused(everybody(component));
    if (!rules && holder_ != by && !(has_first(now) && among(first_, by)))
        return refused(holder_ ? holder_->user + " has " + the_baton(component) + ", not you" : nobody_has(component));
    if (!to && asks_.empty()) return refused("nobody asks for " + the_baton(component) + "; say to whom: delvegate baton give " +
                                             std::string(component) + " USER");
    hand_to(to ? *to : person(asks_.front().who), now);
    return done(holder_->user + " has " + the_baton(component) + " now");
}

told baton::take(const person& by, moment now, std::string_view component) {
    if (settings_.open) return refused(everybody(component));
    const auto from = holder_;
    hand_to(by, now);
    return done(the_baton(component) + " is yours" + (from && *from != by ? ", taken from " + from->user : ""));
}

told baton::drop(const person& by, bool rules, moment now, std::string_view component) {
    if (settings_.open) return refused(everybody(component));
    const bool was_first = has_first(now) && among(first_, by);
    std::erase(first_, by);
    if (holder_ != by && !(rules && holder_)) {
        if (was_first) return done("you let others run " + std::string(component) + " first");
        return refused(holder_ ? holder_->user + " has " + the_baton(component) + ", not you" : nobody_has(component));
    }
    if (rules) first_.clear();
    const auto passed = release(now, {});
    return done(passed->to ? passed->to->user + ", who asked for it, has " + the_baton(component) + " now" : nobody_has(component));
}

// --- to be told -----------------------------------------------------------------------------------------------------

std::vector<person> baton::asking() const {
    std::vector<person> all;
    for (const auto& one : asks_) all.push_back(one.who);
    return all;
}

std::vector<person> baton::first(moment now) const { return has_first(now) ? first_ : std::vector<person>{}; }

std::string baton::words(moment now, std::string_view component) const {
    if (settings_.open) return everybody(component);
    std::string text = holder_ ? holder_->user + " has " + the_baton(component) + " since " + utc_time(since_.clock) : nobody_has(component);
    if (has_first(now)) text += "; until " + utc_time(first_until_.clock) + " it is first for " + names(first_) + ", at whose breakpoint it stands";
    if (!asks_.empty()) text += "; asked for by " + names(asking());
    return text;
}

}  // namespace gateway
