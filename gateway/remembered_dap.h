// A DAP client's view, as the laptop remembers it: what it said while it attached, its breakpoints as last said for each source,
// and what waits for an answer.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/remembered_view.h"
#include "protocol/dap.h"

namespace gateway {

class remembered_dap final : public remembered_view {
public:
    explicit remembered_dap(view_ends& ends) : ends_(ends) {}

    void from_ide(std::string_view message, std::size_t header) override;
    void from_gateway(std::string_view message, std::size_t header) override;
    std::string passing(std::string_view start, std::size_t header) override;
    void gateway_gone() override { away_ = true; }
    void begin_again() override;
    void end(std::string_view reason) override;
    std::string hindrance() const override;
    std::size_t kept() const override { return kept_; }

private:
    using request = protocol::dap_request;
    struct open_request {
        request asked;
        std::size_t size = 0;
        std::chrono::system_clock::time_point since{};
    };
    // A set…Breakpoints, as last said, and what was answered for each.
    struct breakpoints {
        request asked;
        protocol::json::array shown;
        std::size_t size = 0;
        std::uint64_t order = 0;
    };

    void heard(const open_request& of, std::string_view body, bool success);
    void keep_breakpoints(const open_request& of, std::string_view body);
    bool heard_event(std::string_view body, std::size_t name_at);  // false: the IDE knows already
    void own_answer(const std::string& what, std::string_view body, bool success);
    void compare_breakpoints(breakpoints& known, std::string_view body, bool success);
    bool settle_now(const open_request& one);
    bool of_before(const request& r);
    void say_as_own(request r, std::string what);
    void say(const open_request& one);
    void finish_rebuilding();

    void respond(const request& r, const protocol::json& body);
    void fail(const request& r, std::string_view why);
    void event(std::string_view name, const protocol::json& body);

    view_ends& ends_;
    std::vector<open_request> open_;
    std::size_t kept_ = 0;  // of those
    std::string initialize_, attach_;  // as frames' bodies: canonical
    std::map<std::string, breakpoints> said_;
    std::size_t said_size_ = 0;
    std::uint64_t order_ = 0;
    bool too_much_ = false;

    bool initialized_ = false;  // the IDE had the event
    bool configured_ = false;
    bool stands_ = false;       // as the IDE shows it
    bool over_ = false;         // it was told that the session is over
    bool away_ = false;         // there is no gateway

    // Since a gateway was left behind: the numbers of messages are ours, the gateway's begin anew.
    bool again_ = false;
    std::int64_t last_seq_ = 0;             // that the IDE has
    std::int64_t next_own_ = 0;
    std::map<std::int64_t, std::string> own_;  // requests of ours without an answer, and what they are of
    bool told_stop_ = false;                // by the new gateway
    bool blank_ = false;                    // frames and variables that the IDE has are the old one's
};

}  // namespace gateway
