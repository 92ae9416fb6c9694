// Breakpoints as one JSON-RPC client is shown them: everybody's, each under its own id, with the name of whose it is, and
// at a stop the client's own first. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "gateway/breakpoint_board.h"
#include "protocol/json.h"

namespace gateway {

// What the threads' hits of the last stop mean, by thread id.
using thread_hits = std::map<std::int64_t, judged_hit>;

struct breakpoint_reader {
    const viewer* view = nullptr;
    std::string_view user;
};

// Of dlv's replies.
const protocol::json::array& breakpoints_in(const protocol::json& list_reply);
hit_counts breakpoint_counts(const protocol::json& breakpoint);
// What a breakpoint of JSON-RPC's wants to be told at a hit.
protocol::json breakpoint_extras(const protocol::json& breakpoint);

// Whether what dlv says of breakpoints is already what this person is to be shown. So it is while nobody else has any.
bool shown_as_they_are(const breakpoint_board& board, const breakpoint_reader& reader);

// One wish, in the form of dlv's `breakpoint` at one of its sites.
protocol::json shown_breakpoint(const breakpoint_board& board, const breakpoint_wish& wish, const protocol::json& breakpoint,
                                const breakpoint_reader& reader);
// The value of "Breakpoints" in a reply of ListBreakpoints.
protocol::json shown_list(const breakpoint_board& board, const protocol::json& breakpoints, const breakpoint_reader& reader);
// The threads of a state, of a list or of a target, wherever they are in `reply`.
void show_threads(const breakpoint_board& board, const thread_hits& hits, protocol::json& reply,
                  const breakpoint_reader& reader);

}  // namespace gateway
