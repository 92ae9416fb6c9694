// One verb at a time on one component, in the order of nobody in particular; or one on all of them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace launcher {

class component_turns {
public:
    class turn {
    public:
        turn(turn&& other) noexcept : of_(other.of_), name_(std::move(other.name_)) { other.of_ = nullptr; }
        turn& operator=(turn&&) = delete;
        ~turn() {
            if (of_) of_->give_back(name_);
        }

    private:
        friend class component_turns;
        turn(component_turns* of, std::string name) : of_(of), name_(std::move(name)) {}
        component_turns* of_;
        std::string name_;
    };

    // Waits for it; an empty name is everything. `waiting` is called once, with what is under way ("start by root"), when it
    // is not free. Nothing: close() was called, or `give_up` (asked four times a second) said so.
    std::optional<turn> take(const std::string& name, const std::string& what,
                             const std::function<void(const std::string&)>& waiting, const std::function<bool()>& give_up);
    void close();  // nobody gets a turn any more

private:
    const std::string* in_the_way(const std::string& name) const;
    void give_back(const std::string& name);

    std::mutex lock_;
    std::condition_variable changed_;
    std::map<std::string, std::string> taken_;  // name, what is under way
    bool closed_ = false;
};

}  // namespace launcher
