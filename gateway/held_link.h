// The streams of a link that is down, for either end: nothing leaves them, and what their users send waits for the
// link to go on (link_streams::take_over).
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "gateway/link_streams.h"

namespace gateway {

class held_link : link_output, protected link_owner {
public:
    held_link(boost::asio::io_context& io, std::size_t queue_limit) : streams(*this, *this, queue_limit), io_(io) {}

    link_streams streams;

private:
    // There is no other end.
    void send(std::string_view) override {}
    std::size_t unsent() const override { return 0; }
    bool control(protocol::frame_type, std::uint32_t, const protocol::json&) override { return false; }
    void stream_closed(std::uint32_t) override {}
    void stream_overflowed(std::uint32_t) override {}
    void broken(std::string_view) override {}
    void collect_later() override {
        if (std::exchange(collecting_, true)) return;
        boost::asio::post(io_, [this, alive = std::weak_ptr<char>(alive_)] {
            if (alive.expired()) return;
            collecting_ = false;
            streams.collect();
        });
    }

    boost::asio::io_context& io_;
    bool collecting_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
