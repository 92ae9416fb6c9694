// What of a gateway's bytes reaches dlv: pure.
//
// The gateway is taken for compromised. Its requests are read strictly, judged, and encoded anew; what exceeds
// the ceiling, what the hub never sends, and what Delve must never be asked is answered here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "launcher/outcome.h"
#include "protocol/detect.h"
#include "protocol/operations.h"

namespace launcher {

// Whether the hub sends this operation to dlv at all: a row of protocol::operation_table() by its name without
// "RPCServer.". A closed list: Detach, disconnect, launch, restart, DAP's runs and breakpoints are not on it.
bool hub_sends(bool dap, std::string_view operation);

// Why a ceiling makes no sense, or nothing: trace and breakpoint need control, because Delve has to be halted to
// set one and let go on after each.
std::optional<std::string> flaw_of(protocol::class_set ceiling);

struct filter_rules {
    protocol::class_set ceiling;
    std::string component;
    // One of the operations that set breakpoints: refused with these words while not empty.
    std::string no_breakpoints;
    // One of the operations that stop the program, or let it stop again at once: refused with these words while not empty.
    std::string no_stops;
    bool for_duty(std::string_view why) const { return !why.empty() && (why == no_breakpoints || why == no_stops); }
    // Everything: refused with these words while not empty, and the connection ends.
    std::string closed;
    // As far as the guard knows. Without `control` in the ceiling nobody but the guard resumes, so it is true.
    bool stands = false;
};

// The whole decision on one request. Empty: it may pass, as `judged.arguments`.
std::string why_not(const protocol::judged& j, bool dap, const filter_rules& rules);

constexpr std::size_t max_guard_request = 4u << 20;  // bytes, as Delve's own limit for DAP

class guard_filter {
public:
    struct piece {
        enum class where { dlv, gateway } to = where::dlv;
        std::string bytes;       // whole messages
        std::string refused;     // of an answer: the operation, for the log
        bool resumes = false;    // dlv will run the program: it must have stood
        std::string id, location;  // of a FindLocation
        bool for_duty = false;     // of an answer: refused because a duty is to be done first
    };

    // Takes what came; next() then yields what is to be sent, in order. Nothing follows after ended().
    void feed(std::string_view bytes);
    std::optional<piece> next(const filter_rules& rules);
    // Malformed, or refused as a whole: the connection is to end when the last piece is out.
    bool ended() const { return ended_; }
    std::optional<protocol::dialect> speaks() const { return dialect_; }
    std::size_t buffered() const;

private:
    std::optional<piece> next_rpc(const filter_rules& rules);
    std::optional<piece> next_dap(const filter_rules& rules);
    piece end(const std::string& why);
    std::optional<protocol::dialect> dialect_;
    protocol::value_splitter values_{max_guard_request};
    protocol::frame_decoder frames_{max_guard_request};
    bool attached_ = false;  // DAP: an attach that keeps the program standing has been passed on
    bool blank_ = false;  // something came before the first message
    bool ended_ = false;
};

}  // namespace launcher
