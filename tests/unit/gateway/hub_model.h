// What a session at the hub must be: who is here and was told of which stop, whose breakpoints there are, who may run it, and
// where the stand-in's program stops next.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/standin/debugger.h"
#include "tests/unit/gateway/hub_world.h"

namespace gateway {

inline constexpr std::size_t lines_with_breakpoints[] = {1, 3, 6};  // of the script
inline const std::vector<std::string> conditions{"", "n % 2 == 0", "n % 5 == 3"};

inline bool holds(const std::string& condition, std::int64_t n) {
    if (condition.empty()) return true;
    return condition == "n % 2 == 0" ? n % 2 == 0 : n % 5 == 3;
}

struct wanted {
    std::string condition;
    bool logs = false;
    std::int64_t id = 0;
};

struct member {
    ide* at = nullptr;
    std::map<std::size_t, wanted> points;  // by index in the script
    std::uint64_t told = 0;                // the last stop it was told of
    bool knows_some = false;               // or of one before
    std::size_t stops_seen = 0;            // `stopped` events so far
    std::size_t logs_seen = 0;             // outputs so far
    std::vector<std::int64_t> waiting;     // resumes that are answered at the next stop
    std::string name() const { return (at->speaks_dap ? "dap of " : "rpc of ") + at->name; }
};

struct position {
    std::size_t at = 0;
    std::int64_t round = 0;
    bool operator==(const position&) const = default;
    void advance() {
        if (++at == standin::script().size()) at = 0, ++round;
    }
};

using logs_of_members = std::map<const member*, std::vector<std::int64_t>>;

class hub_model {
public:
    explicit hub_model(bool open) : open_(open) {}

    std::list<member> members;
    std::uint64_t stop = 1;
    bool open() const { return open_; }

    void know(member& m) {
        m.told = stop;
        m.knows_some = true;
    }
    bool may_run(const std::string& who) const {
        if (open_) return true;
        return first_.empty() ? holder_.empty() || holder_ == who : first_.contains(who);
    }
    std::vector<member*> runners() {
        std::vector<member*> all;
        for (auto& m : members)
            if (m.told == stop && may_run(m.at->name)) all.push_back(&m);
        return all;
    }
    void runs(const member& m) { holder_ = m.at->name; }
    // Where a run from `p` ends, and what is logged on the way.
    position end_of(position p, const std::string& command, logs_of_members& logs) const {
        const int depth = standin::script()[p.at].depth;
        for (;;) {
            p.advance();
            for (const auto& m : members)
                if (const auto found = m.points.find(p.at); found != m.points.end())
                    if (found->second.logs && holds(found->second.condition, p.round)) logs[&m].push_back(p.round);
            const int now = standin::script()[p.at].depth;
            if (stops_at(p) || (command == "next" && now <= depth) || (command == "stepOut" && now < depth) || command == "step") return p;
        }
    }
    // Whether the hub has to deal with each hit there: somebody logs, or several want different things.
    bool costs(std::size_t at) const {
        std::set<std::string> different;
        for (const auto& m : members)
            if (const auto found = m.points.find(at); found != m.points.end()) different.insert((found->second.logs ? "log " : "") + found->second.condition);
        return different.size() > 1 || (different.size() == 1 && different.begin()->starts_with("log "));
    }
    bool stops_at(const position& p) const { return !owners_at(p).empty(); }
    bool anything_wanted() const {
        return std::any_of(members.begin(), members.end(), [](auto& m) { return !m.points.empty(); });
    }
    bool anything_stops() const {
        return std::any_of(members.begin(), members.end(), [](auto& m) {
            return std::any_of(m.points.begin(), m.points.end(), [](auto& p) { return !p.second.logs; });
        });
    }
    void stopped(const position& p, bool at_breakpoint) {
        ++stop;
        first_ = at_breakpoint ? owners_at(p) : std::set<std::string>{};
        if (first_.contains(holder_)) first_.clear();
    }
    void left(const std::string& who) {
        if (std::any_of(members.begin(), members.end(), [&](auto& one) { return one.at->name == who; })) return;
        first_.erase(who);
        if (holder_ == who) holder_.clear();
    }
    std::set<std::int64_t> lines() const {
        std::set<std::int64_t> out;
        for (const auto& m : members)
            for (const auto& [at, w] : m.points) out.insert(standin::script()[at].line);
        return out;
    }

private:
    std::set<std::string> owners_at(const position& p) const {
        std::set<std::string> out;
        for (const auto& m : members)
            if (const auto found = m.points.find(p.at); found != m.points.end())
                if (!found->second.logs && holds(found->second.condition, p.round)) out.insert(m.at->name);
        return out;
    }

    const bool open_;
    std::string holder_;
    std::set<std::string> first_;
};

}  // namespace gateway
