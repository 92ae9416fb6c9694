// Whose breakpoint is whose. dlv knows breakpoints only by id and lets anybody clear any of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/identity.h"
#include "protocol/operations.h"

namespace gateway {

class viewer;

struct breakpoint_record {
    std::int64_t id = 0;      // dlv's
    std::string user;         // who set it; empty: it was there before us
    viewer* owner = nullptr;  // whose view it belongs to; null: that person has left
    std::chrono::steady_clock::time_point left_at{};  // since when owner is null, of a person's
    bool claimed = true;      // false: taken over from an earlier view, not yet asked for again

    // What replaces what: a DAP request sets all of one group ("source /client/path", "function",
    // "instruction", "data"); JSON-RPC's are "rpc".
    std::string group;
    std::string key;          // within the group: line and column, name, address, data id
    std::string condition;
    std::string hit_condition;
    std::string log_message;  // DAP: stops nobody, its text goes to the owner
    std::string file;         // on the node
    std::int64_t line = 0;
    std::vector<std::string> addresses;  // tokens

    // What it took to set it: whoever loses that loses the breakpoint.
    auth::identity who;
    std::string operation;
    protocol::class_set needs;
};

class breakpoint_table {
public:
    breakpoint_record* find(std::int64_t id);
    void put(breakpoint_record record);
    void erase(std::int64_t id) { records_.erase(id); }
    void clear() { records_.clear(); }

    std::vector<std::int64_t> of_group(const viewer* owner, std::string_view group) const;
    std::vector<std::int64_t> unclaimed(const viewer* owner) const;  // and not of group "rpc"
    // Set by somebody who has left: before `when`, where that is given.
    std::vector<std::int64_t> orphans(std::chrono::steady_clock::time_point when = std::chrono::steady_clock::time_point::max()) const;
    // When the first of them left.
    std::optional<std::chrono::steady_clock::time_point> first_orphan() const;
    std::vector<std::int64_t> orphans_of(std::string_view user) const;
    // What makes way when `owner` sets one at the same place: orphans, and what it took over unasked.
    std::vector<std::int64_t> replaceable(const viewer* owner) const;

    void abandon(const viewer* owner, std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now());
    // Gives a returning person what is left of the earlier view, of the same protocol.
    void adopt(viewer* owner, std::string_view user, bool dap);

    std::size_t size() const { return records_.size(); }
    const std::map<std::int64_t, breakpoint_record>& all() const { return records_; }

private:
    std::map<std::int64_t, breakpoint_record> records_;
};

}  // namespace gateway
