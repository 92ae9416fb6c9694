// Wishes and sites of the breakpoint board as the session journal keeps them.
#pragma once

#include <optional>
#include <utility>

#include "gateway/breakpoint_board.h"
#include "protocol/json.h"

namespace gateway {

// Without the owner, which is a connection, and the time when that left.
protocol::json to_json(const breakpoint_wish& wish);
protocol::json to_json(const breakpoint_site& site);
protocol::json to_json(const auth::identity& who);  // what a policy asks for

// Nothing: not such a record.
std::optional<breakpoint_wish> read_wish(const protocol::json& record);
std::optional<breakpoint_site> read_site(const protocol::json& record);
auth::identity read_identity(const protocol::json& record);

}  // namespace gateway
