// Who may run the target: one person at a time (design §5.6). Pure: the time is handed in.
//
//   baton b({.idle = 5min});
//   if (auto why = b.refusal(bob, now, "app"); !why.empty()) return refuse(why);
//   b.runs(bob, true, now);          // has it from now on
//   b.stops({alice}, now);           // at her breakpoint: she comes first for a while
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/outcome.h"

namespace gateway {

// All connections of one person are one: two clients' CAs may each have a bob.
struct person {
    std::string user, authority;
    bool operator==(const person&) const = default;
};

// One moment by the clock that only goes forward, and by the one people read.
struct moment {
    std::chrono::steady_clock::time_point at;
    std::chrono::system_clock::time_point clock;
    static moment now() { return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()}; }
};

struct baton_settings {
    bool open = false;  // everybody with control runs it, and there is no baton
    std::chrono::milliseconds idle = std::chrono::minutes(5);
    std::chrono::milliseconds first_right = std::chrono::seconds(30);
};

class baton {
public:
    explicit baton(baton_settings settings) : settings_(settings) {}

    bool open() const { return settings_.open; }

    // Whether `who` may run it now: empty, or one line of who comes first since when, and what to do.
    std::string refusal(const person& who, moment now, std::string_view component) const;

    // It is run by somebody for whom refusal() was empty: they have the baton from now on. A step keeps it for as long
    // as it takes.
    void runs(const person& who, bool step, moment now);
    // Whoever pauses has it if nobody had; else it stays where it is.
    void pauses(const person& who, moment now);
    // It has come to rest, where breakpoints of these people are (who may run it, all of them).
    void stops(std::vector<person> owners, moment now);
    // `who` does something here.
    void seen(const person& who, moment now);

    // It has gone to somebody else, or to nobody, without their doing.
    struct passing {
        person from;
        std::optional<person> to;
        std::string why;  // "bob has left"
    };
    std::optional<passing> left(const person& who, moment now);  // their last connection has ended
    std::optional<passing> look(moment now);                     // has its holder been idle for too long?
    // Rights have changed: those who may not run it lose it, and wait for it no more.
    std::optional<passing> keep_only(const std::function<bool(const person&)>& may, moment now);
    // When look() is worth calling: somebody waits for it.
    std::optional<std::chrono::steady_clock::time_point> next() const;

    // By hand; what to tell who did it, or why not. `rules`: may take it from others (class lifecycle).
    using told = launcher::outcome<std::string>;
    told ask(const person& who, moment now, std::string_view component);
    // To somebody who is here or has asked; nobody named: to who has asked first.
    told give(const person& by, bool rules, const std::optional<person>& to, moment now, std::string_view component);
    told take(const person& by, moment now, std::string_view component);
    told drop(const person& by, bool rules, moment now, std::string_view component);

    // Who had it under an earlier gateway has it again.
    void recall(const person& who, moment now, std::chrono::system_clock::time_point since);

    const std::optional<person>& holder() const { return holder_; }
    // Of those who asked for it and got it: how many, and how long they waited in all.
    std::uint64_t granted() const { return granted_; }
    std::chrono::steady_clock::duration waited() const { return waited_; }
    std::chrono::system_clock::time_point since() const { return since_.clock; }
    std::vector<person> asking() const;
    // Who comes first at this stop, for as long as that lasts.
    std::vector<person> first(moment now) const;
    // "bob has the baton of app since …; carol asks for it"
    std::string words(moment now, std::string_view component) const;

private:
    struct request {
        person who;
        moment when;
    };

    void hand_to(const person& who, moment now);
    std::optional<passing> release(moment now, std::string why);
    bool has_first(moment now) const { return !first_.empty() && now.at < first_until_.at; }
    void forget(const person& who);

    const baton_settings settings_;
    std::optional<person> holder_;
    moment since_{}, used_{};
    bool steps_ = false;  // the holder's step is under way
    std::vector<person> first_;
    moment first_until_{};
    std::vector<request> asks_;
    std::uint64_t granted_ = 0;
    std::chrono::steady_clock::duration waited_{};
};

}  // namespace gateway
