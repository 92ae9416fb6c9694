// One connection of the gateway and the one to dlv behind it, for a poll(2) loop. Requests go through the filter;
// replies pass as they come. Both ways are bounded: who does not read is not read from.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "launcher/dlv_address.h"
#include "launcher/fd.h"
#include "launcher/guard_filter.h"
#include "launcher/reply_boundary.h"
#include "launcher/reply_values.h"

namespace launcher {

class guard_relay {
public:
    using time = std::chrono::milliseconds;  // monotonic
    struct told {
        std::function<void(const std::string& operation, bool for_duty)> refused;
        std::function<void()> resumes;
    };

    guard_relay(unique_fd gateway, const dlv_address& address, told on, time now);

    // To be called after anything has happened, with the rules of now. `over` when both sides are to be closed.
    void work(const filter_rules& rules, time now);
    bool over() const { return over_; }
    const std::string& why_over() const { return why_; }

    // Descriptors are -1 while there is nothing to be learned from them.
    int gateway_fd() const;
    short gateway_events() const;
    void gateway_ready(short revents);
    int dlv_fd() const;
    short dlv_events() const;
    void dlv_ready(short revents);
    // When work() is due without an event; time::max() when never.
    time deadline() const;

private:
    void finish(const std::string& why);
    void dial(time now);
    void dlv_lost(const std::string& why);
    void read_gateway();
    void read_dlv();
    void filter(const filter_rules& rules);
    void write(int fd, std::string& bytes, bool to_dlv);
    void put_answers();
    bool may_read_gateway() const;

    unique_fd gateway_, dlv_;
    const dlv_address address_;
    told on_;
    guard_filter filter_;
    std::optional<reply_boundary> boundary_;
    std::optional<reply_values> values_;  // while the ceiling has no `read`; JSON-RPC
    std::string to_dlv_, to_gateway_, answers_;
    bool connected_ = false;
    bool gateway_done_ = false;  // it will send no more
    bool gateway_gone_ = false;  // and read no more
    bool dlv_done_ = false;
    bool shut_ = false;
    bool asked_ = false;         // something has been passed on
    bool all_filtered_ = false;  // what is left is no whole request
    bool heard_ = false;         // dlv has said something
    std::string unanswered_;     // what was sent before: Delve before 1.22.1 may hang up unread (TCP)
    time started_, next_dial_{0}, pause_{10}, last_word_ = time::max();
    bool over_ = false;
    std::string why_;
};

}  // namespace launcher
