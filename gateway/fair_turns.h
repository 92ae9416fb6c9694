// What is done for those who do not drive: a little at a time, with a round of the event loop in between, so that who
// drives never waits behind a hundred others.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

namespace gateway {

class viewer;

class fair_turns {
public:
    using deed = std::function<void()>;

    explicit fair_turns(boost::asio::io_context& context) : context_(context) {}

    // Done in the order in which they were asked for. `v` is only compared; null: nobody's. News are what is told of the
    // target: see catch_up().
    void later(const viewer* v, deed what, bool news = false);
    // Nothing more is done for this one.
    void forget(const viewer& v);
    // What waits for this one is done now.
    void hurry(const viewer& v);
    // All news at once, for what comes after them cannot wait.
    void catch_up();
    std::size_t size() const { return queue_.size(); }

private:
    static constexpr std::size_t in_a_round = 4;
    struct turn {
        const viewer* v;
        deed what;
        bool news;
    };
    void do_those(const std::function<bool(const turn&)>& which);
    void post();

    boost::asio::io_context& context_;
    std::deque<turn> queue_;
    bool posted_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace gateway
