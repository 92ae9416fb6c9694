// The stop budget in force (design §5.8): warns at half and at 80 %, then switches breakpoints off and has the program go
// on, and keeps them off until one duty was done. The clock is budget_clock; this is what the hub does by it.
//
// JSON-RPC has no way to tell a client anything unasked: those who use it see the log, and the state they are given.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "gateway/budget_clock.h"
#include "gateway/rpc_channel.h"
#include "protocol/json.h"

namespace gateway {

class hub;

class hub_budget {
public:
    explicit hub_budget(hub& of);

    // From now on; none: what is off comes on again.
    void change(stop_budget budget);
    const stop_budget& terms() const { return clock_.budget(); }
    // Told of everything that is worth a record, one line without the component's name.
    std::function<void(const std::string&)> on_event;

    // --- the hub says what the target does ----------------------------------------------------------
    void stands();
    void runs();
    void forget();  // dlv is gone, or the program is another one

    // The stop is held on purpose until then. False: there is a budget, and nothing of it is left.
    bool hold(std::chrono::steady_clock::time_point until);
    // A halt was asked for, and refused for the budget's sake.
    void refused_halt() { ++skipped_.halts; ++all_.halts; }

    // Breakpoints are off, and so they stay for now: nobody's halt is done.
    bool off() const { return off_; }
    // "the stop budget of … is used up; it can be stopped again in 2 s, when it has done its duty"
    std::string refusal() const;
    // For use inside work, after breakpoints were changed: those that came are off, too.
    boost::asio::awaitable<void> keep_off();

    // Until it is used up, by the clock of now; nothing where there is no budget.
    std::optional<std::chrono::milliseconds> left() const {
        if (!terms().any()) return std::nullopt;
        return clock_.left(clock::now());
    }
    std::uint64_t forced_resumes() const { return all_.resumes; }
    std::uint64_t refused_halts() const { return all_.halts; }

    // {"damage":"10s","duty":"2.5s","used":"3s","counts":true,"breakpointsOff":false,"forcedResumes":1,"haltsRefused":0,
    // "breakpointsOffFor":"3.2s"}, the last three since the gateway came; null: there is no budget
    protocol::json describe() const;

private:
    using clock = std::chrono::steady_clock;
    void look();
    void arm();
    void warn(budget_clock::mark due);
    void force();
    void switch_on();
    boost::asio::awaitable<void> forced();
    boost::asio::awaitable<void> switch_off();
    boost::asio::awaitable<void> put_back_on(std::set<std::int64_t> which);
    void tell(const std::string& what, bool everybody = true);

    // What people did not get for the duty's sake: since breakpoints went off the last time, and altogether.
    struct skipped {
        std::uint64_t resumes = 0, halts = 0;
        std::chrono::milliseconds off{0};
    };
    std::chrono::milliseconds off_for() const;
    std::string skipped_words() const;

    hub& hub_;
    budget_clock clock_;
    boost::asio::steady_timer timer_;
    bool off_ = false;
    bool forcing_ = false;   // the work is under way
    std::set<std::int64_t> switched_off_;
    std::set<std::int64_t> were_off_;  // all of this time, those that are gone too
    clock::time_point off_since_{};
    skipped skipped_, all_;
};

}  // namespace gateway
