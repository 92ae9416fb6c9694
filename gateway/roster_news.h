// What people are told of each other: who came and went, and whose breakpoint is set and cleared. What happens within a
// moment is told once, as the difference: whoever left and came back in it has not been away. Pure: the caller says when.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/baton.h"

namespace gateway {

// One IDE of somebody's, as the others know it.
struct presence {
    person who;
    std::string ide;   // "Visual Studio Code"
    std::string role;  // "debugger"
};

// One of somebody's breakpoints, as the others know it.
struct breakpoint_mark {
    person who;
    std::string kind;   // "breakpoint", "logpoint", "tracepoint", "watchpoint"
    std::string place;  // "main.go:42"
};

class roster_news {
public:
    // Something may be otherwise with that person, or with the breakpoints.
    void people_changed(const person& who);
    void breakpoints_changed();
    bool any() const { return !touched_.empty() || breakpoints_touched_ > 0; }
    // Counts what has happened: who was shown everything at that moment is not told of what was before.
    std::uint64_t moment() const { return clock_; }

    struct news {
        person about;
        std::uint64_t at = 0;
        std::string text;  // one line
    };
    // What has become otherwise since it was asked last, given how things are now. `here`: of everybody who has joined.
    std::vector<news> take(const std::vector<presence>& here, const std::vector<breakpoint_mark>& marks);
    // Of these nobody needs to be told: they were there before.
    void known(const std::vector<breakpoint_mark>& marks);

    // As many as one reads: the lines of all `of`, the surplus counted.
    static std::string together(const std::vector<std::string>& of);
    static constexpr std::size_t most_lines = 6;
    static constexpr std::size_t most_places = 6;

private:
    using key = std::pair<std::string, std::string>;  // user, authority
    static key key_of(const person& who) { return {who.user, who.authority}; }
    struct mark_key {
        key who;
        std::string kind, place;
        auto operator<=>(const mark_key&) const = default;
    };

    void tell_marks(const std::set<mark_key>& now, const std::vector<presence>& here, std::vector<news>& out);

    std::uint64_t clock_ = 0;
    std::map<key, std::uint64_t> touched_;
    std::uint64_t breakpoints_touched_ = 0;
    std::map<key, std::set<std::string>> told_;  // the IDEs that others have heard of
    std::set<mark_key> told_marks_;
};

}  // namespace gateway
