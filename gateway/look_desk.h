// Whose look goes to dlv next, which answers them one after another: those of who drives at once, of the others a few at a
// time, and not while who drives is looking. Pure: the time is handed in.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gateway {

class viewer;

class look_desk {
public:
    using clock = std::chrono::steady_clock;
    // Of those who do not drive.
    static constexpr std::size_t at_once = 2;
    // An IDE asks for one thing after the other: who drives is through when nothing has come for so long.
    static constexpr std::chrono::milliseconds quiet{20};
    // Nobody waits longer for that.
    static constexpr std::chrono::milliseconds patience{100};

    struct request {
        viewer* v = nullptr;
        std::function<void()> go;
        std::function<void(std::string)> refused;
        clock::time_point since{};
    };

    // Whether a look that comes now may begin; it need not wait behind those that wait.
    bool admits(bool drives, clock::time_point now) const;
    void begin(const viewer& v, bool drives);
    void end(const viewer* v, clock::time_point now);
    // Who drives has been told of something, and is about to look.
    void expect(clock::time_point now) { last_ = now; }

    void wait(request r) { waiting_.push_back(std::move(r)); }
    // One that may begin, and is not waited for any more.
    std::optional<request> next(const std::function<bool(const viewer&)>& drives, clock::time_point now);
    // Until when something else that has waited since then waits for who drives; none: no longer.
    std::optional<clock::time_point> hold(clock::time_point since, clock::time_point now) const;
    // When to ask for it again although no look has ended: none waits, or an end is to be waited for.
    std::optional<clock::time_point> later(clock::time_point now) const;

    bool waits() const { return !waiting_.empty(); }
    std::size_t waiting() const { return waiting_.size(); }
    std::size_t in_flight() const { return mine_ + others_.size(); }
    // Those of `v` that wait, or all.
    std::vector<request> take(const viewer* v);
    // Of the connection to dlv that is gone.
    void forget_flights();

private:
    bool held(clock::time_point now) const { return mine_ > 0 || (last_ && now < *last_ + quiet); }

    std::deque<request> waiting_;
    std::multiset<const viewer*> others_;  // only counted and compared
    std::size_t mine_ = 0;                 // of who drives
    std::optional<clock::time_point> last_;  // when who drives had an answer
};

}  // namespace gateway
