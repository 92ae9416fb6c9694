// The handling of one event from the loop, and what is put off to its end: several small frames then
// leave as one record and one send, without another round of the loop.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace gateway {

// Implemented by what collects output while an event is handled.
class turn_end {
public:
    virtual ~turn_end() = default;
    virtual void end_of_turn() = 0;
};

// Stands on the stack of whoever is called by the event loop. The outermost one of a thread runs what
// was put off when it goes out of scope.
class event_turn {
public:
    event_turn() { ++state().depth; }
    ~event_turn() {
        auto& s = state();
        if (--s.depth > 0 || s.due.empty()) return;
        // What is asked for from here on belongs to the next turn: others must get theirs.
        const auto due = std::exchange(s.due, {});
        for (const auto& one : due) one->end_of_turn();
    }
    event_turn(const event_turn&) = delete;
    event_turn& operator=(const event_turn&) = delete;

    static bool active() { return state().depth > 0; }
    static void at_end(std::shared_ptr<turn_end> one) { state().due.push_back(std::move(one)); }

private:
    struct shared {
        int depth = 0;
        std::vector<std::shared_ptr<turn_end>> due;
    };
    static shared& state() {
        thread_local shared s;
        return s;
    }
};

}  // namespace gateway
