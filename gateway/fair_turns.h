// What is done for those who do not drive: a little at a time, with a round of the event loop in between, and not while who
// drives is looking, so that who drives never waits behind a hundred others.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace gateway {

class viewer;

class fair_turns {
public:
    using deed = std::function<void()>;
    using clock = std::chrono::steady_clock;
    // Until when what has waited since then waits further; none: no longer. Asked before each round.
    using patience = std::function<std::optional<clock::time_point>(clock::time_point since)>;

    fair_turns(boost::asio::io_context& context, patience wait) : context_(context), wait_(std::move(wait)), timer_(context) {}

    // Done in the order in which they were asked for. `v` is only compared; null: nobody's. News are what is told of the
    // target: see catch_up().
    void later(const viewer* v, deed what, bool news = false);
    // Nothing more is done for this one.
    void forget(const viewer& v);
    // What waits for this one is done now.
    void hurry(const viewer& v);
    // All news at once, for what comes after them cannot wait.
    void catch_up();
    // Who is waited for may have gone on: what waits asks anew.
    void again() { timer_.cancel(); }
    std::size_t size() const { return queue_.size(); }

private:
    static constexpr std::size_t in_a_round = 4;
    struct turn {
        const viewer* v;
        deed what;
        bool news;
        clock::time_point since;
    };
    void do_those(const std::function<bool(const turn&)>& which);
    void post();
    void round();

    boost::asio::io_context& context_;
    patience wait_;
    boost::asio::steady_timer timer_;
    std::deque<turn> queue_;
    bool posted_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace gateway
