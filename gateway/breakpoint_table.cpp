#include "gateway/breakpoint_table.h"

#include "gateway/breakpoint_list.h"

namespace gateway {

namespace {
template <class Wanted>
std::vector<std::int64_t> ids_where(const std::map<std::int64_t, breakpoint_record>& records, Wanted wanted) {
    std::vector<std::int64_t> ids;
    for (auto& [id, r] : records)
        if (wanted(r)) ids.push_back(id);
    return ids;
}
}  // namespace

breakpoint_record* breakpoint_table::find(std::int64_t id) {
    auto found = records_.find(id);
    return found == records_.end() ? nullptr : &found->second;
}

void breakpoint_table::put(breakpoint_record record) { records_[record.id] = std::move(record); }

std::vector<std::int64_t> breakpoint_table::of_group(const viewer* owner, std::string_view group) const {
    return ids_where(records_, [&](auto& r) { return r.owner == owner && r.group == group; });
}

std::vector<std::int64_t> breakpoint_table::unclaimed(const viewer* owner) const {
    return ids_where(records_, [&](auto& r) { return r.owner == owner && !r.claimed && r.group != "rpc"; });
}

std::vector<std::int64_t> breakpoint_table::orphans(std::chrono::steady_clock::time_point when) const {
    return ids_where(records_, [when](auto& r) { return !r.owner && !r.user.empty() && r.left_at <= when; });
}

std::optional<std::chrono::steady_clock::time_point> breakpoint_table::first_orphan() const {
    std::optional<std::chrono::steady_clock::time_point> first;
    for (const auto& [id, r] : records_)
        if (!r.owner && !r.user.empty() && (!first || r.left_at < *first)) first = r.left_at;
    return first;
}

std::vector<std::int64_t> breakpoint_table::orphans_of(std::string_view user) const {
    return ids_where(records_, [&](auto& r) { return !r.owner && !r.user.empty() && r.user == user; });
}

std::vector<std::int64_t> breakpoint_table::replaceable(const viewer* owner) const {
    return ids_where(records_, [&](auto& r) {
        return r.owner ? r.owner == owner && !r.claimed : !r.user.empty() || r.group == left_behind;
    });
}

void breakpoint_table::abandon(const viewer* owner, std::chrono::steady_clock::time_point now) {
    for (auto& [id, r] : records_) {
        if (r.owner != owner || !owner) continue;
        r.owner = nullptr;
        r.left_at = now;
    }
}

void breakpoint_table::adopt(viewer* owner, std::string_view user, bool dap) {
    for (auto& [id, r] : records_) {
        if (r.owner || r.user != user || (r.group != "rpc") != dap) continue;
        r.owner = owner;
        r.claimed = false;
    }
}

}  // namespace gateway
