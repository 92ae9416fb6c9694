// What dlv says of breakpoints, read from its replies on the door.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/breakpoint_board.h"
#include "gateway/breakpoint_shown.h"
#include "gateway/rpc_channel.h"
#include "protocol/json.h"

namespace gateway {

inline std::string by_id(std::int64_t id) { return "{\"Id\":" + std::to_string(id) + "}"; }

inline protocol::json parsed(const rpc_outcome& out) {
    auto value = out.ok() ? protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false})
                          : protocol::result<protocol::json>(protocol::errc::bad_reply);
    return value ? std::move(*value) : protocol::json();
}

// CreateWatchpoint's reply is the breakpoint itself.
inline protocol::json breakpoint_in(const rpc_outcome& out) {
    auto reply = parsed(out);
    if (const auto* inner = reply.find("Breakpoint")) return protocol::json(*inner);
    return reply;
}

// Those of a list, or the one beside it.
inline std::vector<std::uint64_t> addresses_in(const protocol::json& from, std::string_view many, std::string_view one) {
    std::vector<std::uint64_t> out;
    const auto* list = from.find(many);
    if (const auto* all = list ? list->if_array() : nullptr)
        for (const auto& a : *all)
            if (const auto value = a.as_uint(); value && *value != 0) out.push_back(*value);
    const auto* single = from.find(one);
    const auto value = single ? single->as_uint() : std::nullopt;
    if (out.empty() && value && *value != 0) out.push_back(*value);
    return out;
}

inline breakpoint_site site_in(const protocol::json& breakpoint) {
    breakpoint_site site;
    site.id = breakpoint.get_int("id");
    const auto addresses = addresses_in(breakpoint, "addrs", "addr");
    site.addresses.insert(addresses.begin(), addresses.end());
    site.watches = !breakpoint.get_string("WatchExpr").empty();
    site.access = breakpoint.get_int("WatchType") & 3;
    return site;
}

}  // namespace gateway
