// What the laptop remembers of an IDE's view, so that a gateway that never saw it makes the same one again: which requests wait
// for their answers, and what was said that a new gateway must be told. One kind for each protocol; no sockets.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/detect.h"

namespace gateway {

// Where what is said goes.
class view_ends {
public:
    virtual ~view_ends() = default;
    virtual void to_ide(std::string_view bytes) = 0;
    virtual void to_gateway(std::string_view bytes) = 0;
    // The new gateway's view is that of the IDE.
    virtual void rebuilt() = 0;
    // It cannot be, and why; one line. end() is still to be called. Empty: the IDE has left meanwhile, and knows.
    virtual void not_rebuilt(const std::string& reason) = 0;
    // Goes on while the laptop sleeps.
    virtual std::chrono::system_clock::time_point now() const { return std::chrono::system_clock::now(); }
};

class remembered_view {
public:
    virtual ~remembered_view() = default;

    // Whole messages, of which the first `header` bytes are DAP's header. What is to go on is given to the ends.
    virtual void from_ide(std::string_view message, std::size_t header) = 0;
    virtual void from_gateway(std::string_view message, std::size_t header) = 0;
    // The beginning of a message of the gateway's that passes as it comes; what goes to the IDE in its place.
    virtual std::string passing(std::string_view start, std::size_t header) = 0;

    // The gateway is gone, and all it knew.
    virtual void gateway_gone() {}
    // Another one listens: it is told what the last one knew. Requests that wait are asked again where that changes nothing, and
    // else answered with what is known; a request that runs the program is never said twice.
    virtual void begin_again() = 0;
    // There will be none: the IDE is told why, in its protocol.
    virtual void end(std::string_view reason) = 0;

    // Why the view could not be rebuilt, one line; empty: it can.
    virtual std::string hindrance() const = 0;
    // Bytes of requests without an answer.
    virtual std::size_t kept() const = 0;
};

// Of what an IDE has said at most so much is remembered; a view for which that is not enough is not rebuilt.
inline constexpr std::size_t most_remembered = 1024 * 1024;
// A program is halted for whoever has just asked for that. One who asked longer ago is told that it was not.
inline constexpr std::chrono::seconds longest_halt_wait{5};
inline constexpr std::string_view too_much_answered = "more was answered than is remembered";
inline constexpr std::string_view halt_is_old =
    "the gateway was restarted before this was answered, and it is too long ago to be repeated; pause again";

std::unique_ptr<remembered_view> remember_rpc(view_ends& ends);
std::unique_ptr<remembered_view> remember_dap(view_ends& ends);

}  // namespace gateway
