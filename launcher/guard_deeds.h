// What the guard does to the program by itself: breakpoints off, cleared or on again, and letting it run.
//
// Nothing here is refused for want of a record: what cannot be journalled is done all the same.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "launcher/budget_clock.h"
#include "launcher/dlv_line.h"

namespace launcher {

class guard_deeds {
public:
    using time = budget_clock::time;
    enum class deed {
        keep,   // continue
        off,    // switch all breakpoints off and remember them, continue
        clear,  // clear all breakpoints, continue
        on,     // switch on again what was switched off; continues only if it ran
        on_where_it_stands,  // the same, but given up where somebody lets it run meanwhile
    };
    using on_done = std::function<void(const std::string& error)>;  // empty on success

    // `taken` is what was switched off, as Delve lists breakpoints, with "how": "off" or "cleared"; `journal` is
    // called when it is about to change at dlv.
    guard_deeds(const dlv_address& address, protocol::json::array& taken, std::function<void()> journal);

    bool busy() const { return doing_.has_value(); }
    // A program that was killed while it stood is there no more, and dlv says "stopped" of it for ever: only the
    // attempt to continue tells.
    bool program_gone() const { return program_gone_; }
    void program_is_back() { program_gone_ = false; }
    void begin(deed what, time now, on_done done);
    // The watch's sight; only those asked for after begin() count, which the caller sees to.
    void saw(budget_clock::seen what);
    void work(time now);
    std::vector<dlv_line*> lines();

private:
    enum class step { standing, asking, changing, letting_go, resumed };
    using reply = outcome<protocol::json>;
    bool switches_on() const { return doing_ == deed::on || doing_ == deed::on_where_it_stands; }
    bool make_ready(dlv_line& line);
    void halt(time now);
    void stands();
    void listed(const reply& list);
    void plan_off(const protocol::json::array& breakpoints);
    void plan_on(const protocol::json::array& breakpoints);
    void next_change();
    void let_go();
    void finish(const std::string& error);
    void forget(std::int64_t id);

    const dlv_address address_;
    protocol::json::array& taken_;
    std::function<void()> journal_;
    std::optional<deed> doing_;
    on_done done_;
    step step_ = step::standing;
    std::optional<budget_clock::seen> sight_;
    bool ran_ = false;
    bool program_gone_ = false;
    bool continue_open_ = false;  // a continue of ours has not returned
    int halts_open_ = 0;
    time halted_at_{0}, give_up_{0};
    std::deque<std::function<void()>> changes_;
    std::string trouble_;
    dlv_line ask_, door_;
    std::vector<std::unique_ptr<dlv_line>> spare_;  // halts sent again
};

}  // namespace launcher
