// Whose breakpoint is whose, and what dlv is to be told so that each of them works for its owner.
//
// A wish is what one person has set and knows by its id. A site is a breakpoint of dlv's. dlv has one breakpoint at an
// address, so the wishes of several people for one place share a site; one of several addresses may need several sites.
// While dlv can tell by itself which hits are whose (one wish, or all of them equal) it does, and each hit it does not
// report costs nothing. Else it reports every hit as one that only passes, and judge() says whose it is.
// Pure: no sockets, and the time is handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "auth/identity.h"
#include "gateway/hit_rate.h"
#include "protocol/json.h"
#include "protocol/operations.h"

namespace gateway {

class viewer;

struct hit_counts {
    std::uint64_t total = 0;
    std::map<std::int64_t, std::uint64_t> by_goroutine;
    bool operator==(const hit_counts&) const = default;
    void hit(std::int64_t goroutine);
};

struct breakpoint_wish {
    std::int64_t id = 0;      // what its owner knows it by: dlv's own id for the first wish of a site
    std::string user;         // who set it; empty: it was there before us
    viewer* owner = nullptr;  // whose view it belongs to; null: that person has left
    bool claimed = true;      // false: taken over from an earlier view, not yet asked for again
    bool pinned = false;      // stays when its owner has left

    // What replaces what: a DAP request sets all of one group ("source /client/path", "function",
    // "instruction", "data"); JSON-RPC's are "rpc".
    std::string group;
    std::string key;          // within the group: line and column, name, address, data id
    std::string name;         // JSON-RPC's
    std::string condition;
    std::string hit_condition;
    bool by_goroutine = false;  // its hits are counted for each goroutine by itself
    bool traces = false;        // stops nobody
    bool disabled = false;      // by its owner
    std::string off_because;    // why it does nothing although nobody disabled it; empty: it does
    std::string log_message;    // DAP: its text goes to the owner
    protocol::json extras;      // what JSON-RPC wants to be told at a hit: variables, LoadArgs, stacktrace, …
    std::string file;           // on the node
    std::int64_t line = 0;

    // What it took to set it: whoever loses that loses the breakpoint.
    auth::identity who;
    std::string operation;
    protocol::class_set needs;

    // The board's.
    std::vector<std::int64_t> sites;  // dlv's ids
    hit_counts hits;                  // as far as known, see settle()
    std::chrono::steady_clock::time_point left_at{};

    bool active() const { return !disabled && off_because.empty(); }
};

struct breakpoint_site {
    std::int64_t id = 0;                   // dlv's
    std::set<std::uint64_t> addresses;
    bool watches = false;                  // dlv cannot disable those
    std::int64_t access = 0;               // of those: 1 reads, 2 writes, 3 both
    std::vector<std::int64_t> wishes;      // in the order in which they came
    hit_counts counted;                    // by dlv, as of the last settle()
    protocol::json applied;                // what dlv was told last
    hit_rate rate;
};

// What came of a condition.
struct evaluated {
    bool holds = false;
    std::string error;  // it could not be evaluated
};

// What one thread's hit means.
struct judged_hit {
    std::int64_t site = 0;
    std::vector<std::int64_t> stop, trace;                         // wishes
    std::vector<std::pair<std::int64_t, std::string>> erring;      // wishes, and what is wrong with their conditions
};

// How wanted addresses lie across what is there.
struct overlap {
    std::vector<std::int64_t> whole;                               // sites all of whose addresses are wanted
    std::map<std::int64_t, std::set<std::uint64_t>> part;          // and those of which only these are
    std::vector<std::uint64_t> free;                               // where nothing is yet
    bool any() const { return !whole.empty() || !part.empty(); }
};

class breakpoint_board {
public:
    using time = std::chrono::steady_clock::time_point;

    breakpoint_wish* find(std::int64_t id);
    const breakpoint_wish* find(std::int64_t id) const;
    const std::map<std::int64_t, breakpoint_wish>& all() const { return wishes_; }
    std::size_t size() const { return wishes_.size(); }
    breakpoint_site* site(std::int64_t id);
    const breakpoint_site* site(std::int64_t id) const;
    const std::map<std::int64_t, breakpoint_site>& sites() const { return sites_; }

    // A site and its first wish, which is known by the site's id unless it has one already. Its id.
    std::int64_t put(breakpoint_wish wish, breakpoint_site site);
    // A wish for places where somebody's is already. settle() them first. Its id.
    std::int64_t join(breakpoint_wish wish, const std::vector<std::int64_t>& sites);
    void extend(std::int64_t wish, breakpoint_site by);
    // Returns the sites that nobody wants any more; they are forgotten.
    std::vector<std::int64_t> drop(std::int64_t wish);
    // dlv has made that site anew under another id, or in two.
    void replace(std::int64_t site, std::vector<breakpoint_site> by);
    void clear();
    // What an earlier gateway knew, as far as it fits together (breakpoint_record.cpp); nobody of it is here.
    void recall(std::vector<breakpoint_wish> wishes, std::vector<breakpoint_site> sites);

    overlap across(const std::vector<std::uint64_t>& addresses) const;

    std::vector<std::int64_t> of_group(const viewer* owner, std::string_view group) const;
    std::vector<std::int64_t> unclaimed(const viewer* owner) const;  // and not of group "rpc"
    std::size_t of_user(std::string_view user) const;  // how many
    std::vector<std::int64_t> orphans_of(std::string_view user) const;
    // What makes way when `owner` sets one at the same place: what that person or an earlier gateway left behind.
    std::vector<std::int64_t> replaceable(const viewer* owner, std::string_view user) const;

    void abandon(const viewer* owner, time now);
    void abandon_all(time now);
    // Gives a returning person what is left of the earlier view, of the same protocol.
    void adopt(viewer* owner, std::string_view user, bool dap);
    // Those whose owner left before `then`; pinned ones stay.
    std::vector<std::int64_t> overdue(time then) const;
    // When the next of them left that is not pinned.
    std::optional<time> next_leaver() const;

    // Whether dlv alone tells whose hits are whose there.
    bool dlv_judges(const breakpoint_site& site) const;
    // The members of a Breakpoint by which dlv is told what to do there, or what it would be told for one wish alone.
    protocol::json settings(const breakpoint_site& site) const;
    protocol::json settings(const breakpoint_site& site, const breakpoint_wish& alone) const;

    // What dlv has counted there by now: to be told before the site's wishes change.
    void settle(breakpoint_site& site, const hit_counts& now);
    hit_counts hits_of(const breakpoint_wish& wish, const breakpoint_site& at, const hit_counts& now) const;
    void forget_hits();  // a new process

    // The conditions that must be evaluated to judge a hit there; `unsure`: dlv could not evaluate one itself, or a step may have
    // ended there, where dlv names a breakpoint whatever it asks for.
    std::vector<std::string> open_conditions(const breakpoint_site& site, bool unsure) const;
    // Counts the hit where dlv does not do it for each. `counted`: where a step may have ended, dlv's count of hits there.
    judged_hit judge(const breakpoint_site& site, std::int64_t goroutine, const std::map<std::string, evaluated>& values,
                     std::optional<std::int64_t> counted = {});
    // Which wish is to go when that place is hit too often: the youngest that makes it ours to deal with. 0: none.
    std::int64_t costliest(const breakpoint_site& site) const;

private:
    std::vector<const breakpoint_wish*> active_at(const breakpoint_site& site) const;

    std::map<std::int64_t, breakpoint_wish> wishes_;
    std::map<std::int64_t, breakpoint_site> sites_;
    // dlv counts from 1 and never comes this far.
    std::int64_t next_ = std::int64_t{1} << 20;
};

// Whether that many hits satisfy it, as Delve reads it (pkg/proc, parseHitCondition and checkHitCond). What Delve would
// not take is satisfied by none; empty by any.
bool satisfies_hit_condition(std::string_view condition, std::uint64_t hits);

}  // namespace gateway
