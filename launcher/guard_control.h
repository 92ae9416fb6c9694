// What the launcher says to a guard: one JSON object a packet, one packet back, on a SOCK_SEQPACKET socket.
//
//   {"verb":"status"}          -> the status below
//   {"verb":"alive"}           the gateway's heartbeat, handed on by the launcher
//   {"verb":"counting"}        the start is over: from now on the stop budget is counted. With "entry": true it stands
//                              at its entry, and is counted from when it first runs; it may stand there for a while only
//   {"verb":"park","seconds":600,"stop":"17-3f9c","by":TEXT,"note":TEXT}  the stop is held on purpose, within what root
//                              allows, which is meant without "seconds"; it ends when the program runs or the time is over,
//                              whether a gateway is there or not. Answered with "parkedMs". Refused where it does not stand
//                              or the budget is used up already.
//   {"verb":"resume"}          breakpoints off (remembered), then continue. With "breakpoints": "keep" they stay,
//                              with "clear" they are cleared for good.
//   {"verb":"breakpoints_on"}  those that the guard switched off are switched on again; refused until one duty
//                              has been seen done, and while the gateway's connections are open and the program
//                              runs (it would have to be halted under them): then the guard does it at the next stop
//   {"verb":"ceiling","classes":["observe",...]}  never above what root fixed; where it loses a class, open
//                              connections are cut. An empty list refuses everybody: not armed any more. It is in the
//                              state file before the answer is given: a later guard begins with it.
//   {"verb":"end"}             connections cut, breakpoints cleared, continue, and the guard exits
//
// Answer: {"ok":true, ...} or {"ok":false,"error":"one line"}. resume, breakpoints_on and end are answered when
// dlv has done it. Callers: uid 0 and the guard's own uid (SO_PEERCRED), nobody else.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "launcher/outcome.h"
#include "protocol/json.h"
#include "protocol/operations.h"

namespace launcher {

// A stop that is held on purpose: whose word it is, and the name people know the stop by. Nothing here is checked but
// its length.
struct park_words {
    std::string by, note, stop;
    bool operator==(const park_words&) const = default;
};

// What `status` tells (and state_file holds, as JSON under the same names).
struct guard_status {
    std::string state;                          // "unknown", "stopped", "running", "exited"
    std::chrono::milliseconds stopped_for{0};   // this stop; 0 while it runs
    std::chrono::milliseconds spent{0};         // of the budget: since one whole duty was last seen done
    std::chrono::milliseconds left{0};          // until damage; never below 0
    std::string budget;                         // "fine", "disturbed", "used up"
    bool counting = false;
    bool at_entry = false;                      // nothing is counted yet, but how long it stands there
    std::chrono::milliseconds entry_for{0};
    protocol::class_set ceiling;                // of now
    bool gateway_alive = false;
    bool breakpoints_off = false;               // switched off by the guard
    bool duty_done = true;                      // since it switched them off
    std::uint64_t forced_resumes = 0;
    std::uint64_t stops_refused = 0;            // halts and breakpoints, because a duty was to be done first
    std::chrono::milliseconds kept_off{0};      // for so long breakpoints have been off, all times together
    std::chrono::milliseconds parked{0};        // for so long it is still held; 0: it is not
    park_words park{};
    std::uint64_t connections = 0;              // open now
    std::uint64_t refusals = 0;                 // requests beyond the ceiling
    // Breakpoints: id, name, file, line and "how", "off" or "cleared"; in the state file as Delve listed them.
    protocol::json taken;
};

// Asks the guard whose control socket is at `path`; waits for at most `patience`.
outcome<protocol::json> ask_guard(const std::string& path, const protocol::json& request,
                                  std::chrono::milliseconds patience = std::chrono::seconds(10));
outcome<guard_status> read_guard_status(const protocol::json& answer);

// For the first connection of a gateway, before it: breakpoints that the guard switched off while no gateway was there come
// on again, where their duty has been done. Done or not, the connection may be made: `breakpoints_off` tells.
void give_breakpoints_back(const std::string& path);

}  // namespace launcher
