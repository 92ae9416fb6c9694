// One verb at a time on one component, or one on all of them; in the order in which they came, but root's before all that
// only waits.
//
// A look (inspect) changes nothing: what gives components back never waits for one, however many there are.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>

namespace launcher {

class component_turns {
    struct ticket {
        std::string name;
        std::string what;
        bool looks = false;
        bool root = false;
        bool taken = false;
    };

public:
    class turn {
    public:
        turn(turn&& other) noexcept : of_(other.of_), at_(other.at_) { other.of_ = nullptr; }
        turn& operator=(turn&&) = delete;
        ~turn() {
            if (of_) of_->give_back(at_);
        }

    private:
        friend class component_turns;
        turn(component_turns* of, std::list<ticket>::iterator at) : of_(of), at_(at) {}
        component_turns* of_;
        std::list<ticket>::iterator at_;
    };

    // Waits for it; an empty name is everything. A look waits for what came before it on that component, look or not, and
    // nobody but another look waits for a look. `waiting` is called once, with what is under way ("start by root"), when it
    // is not free. Nothing: close() was called, or `give_up` (asked four times a second) said so.
    enum class kind { change, look };
    struct who {
        kind how = kind::change;
        bool root = false;
        std::string name;
        std::string what;
    };
    std::optional<turn> take(const who& asks, const std::function<void(const std::string&)>& waiting,
                             const std::function<bool()>& give_up);
    void close();  // nobody gets a turn any more

private:
    const ticket* in_the_way(std::list<ticket>::const_iterator mine) const;
    void give_back(std::list<ticket>::iterator at);

    std::mutex lock_;
    std::condition_variable changed_;
    std::list<ticket> line_;  // in the order of their coming; those taken, and those that wait
    bool closed_ = false;
};

}  // namespace launcher
