// The guard at work: one thread, one poll(2).
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "launcher/budget_clock.h"
#include "launcher/guard.h"
#include "launcher/guard_callers.h"
#include "launcher/guard_control.h"
#include "launcher/guard_deeds.h"
#include "launcher/guard_log.h"
#include "launcher/guard_memory.h"
#include "launcher/guard_relay.h"
#include "launcher/guard_watch.h"
#include "launcher/poll_set.h"

namespace launcher {

class guard_loop {
public:
    guard_loop(const guard_settings& settings, guard_memory memory);
    int run();

private:
    using time = budget_clock::time;
    using seen = budget_clock::seen;
    using deed = guard_deeds::deed;
    struct order {
        deed what;
        guard_deeds::on_done done;
    };

    static time now();
    void recall();
    void saw(seen what);
    void round();
    void keep_budget();
    void give_back();
    void are_on();
    void serve_orders();
    void admit();
    void cut(const std::string& why);
    filter_rules rules() const;
    time interval() const;
    time next_event() const;
    void remember(bool at_once);
    guard_status status() const;
    bool duty_done() const;
    time mercy() const;
    void entry_is_over();

    void asked(const protocol::json& request, const guard_callers::answer& answer);
    void ask_resume(const protocol::json& request, const guard_callers::answer& answer);
    void ask_breakpoints_on(const guard_callers::answer& answer);
    void ask_ceiling(const protocol::json& request, const guard_callers::answer& answer);
    void ask_park(const protocol::json& request, const guard_callers::answer& answer);
    void serve_parks();
    void ask_end(const guard_callers::answer& answer);

    const guard_settings settings_;
    guard_memory memory_;
    guard_log log_;
    budget_clock clock_;
    protocol::json::array taken_;
    guard_watch watch_;
    guard_deeds deeds_;
    guard_callers callers_;
    std::list<guard_relay> relays_;
    std::deque<order> orders_;

    protocol::class_set ceiling_;
    std::optional<seen> sight_;
    time stopped_since_{0};
    std::optional<time> entry_since_;  // it stands at its entry and has not run yet
    time alive_at_;
    bool gateway_alive_ = true;
    bool off_ = false;        // the guard switched breakpoints off, and they are not back
    time off_at_{0};
    time forced_at_{0};       // the last try
    time given_at_{0};        // the last try to give breakpoints back
    time admit_again_{0};
    std::uint64_t forced_ = 0, refusals_ = 0, cuts_ = 0;
    struct park_request {
        protocol::json request;
        guard_callers::answer answer;
        time until;
    };
    std::deque<park_request> parks_;  // asked for where it was last seen running
    std::uint64_t stops_refused_ = 0;
    time kept_off_{0};        // without the present time
    park_words park_;         // empty: no stop is held
    time parked_from_{0};     // when the first park of this stop began
    std::string remembered_;
    outcome<void> memory_works_;
    time remembered_at_{0};
    bool ended_ = false;
};

}  // namespace launcher
