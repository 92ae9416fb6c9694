// Connections to dlv over TCP, some of which dlv turns away without a word.
#include "gateway/upstream.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "tests/unit/gateway/loop.h"

namespace gateway {
namespace {

class upstream_test : public testing::Test {
protected:
    upstream_test() { accept(); }

    launcher::dlv_address address() const {
        return {.how = launcher::dlv_address::kind::tcp,
                .path = {},
                .host = "127.0.0.1",
                .port = acceptor.local_endpoint().port()};
    }

    // Turns the first `turned_away` callers away unread; answers the others' bytes with "word", then hangs up.
    void accept() {
        acceptor.async_accept([this](const boost::system::error_code& ec, tcp::socket socket) {
            if (ec) return;
            if (++callers > turned_away) {
                kept = std::move(socket);
                kept.async_read_some(boost::asio::buffer(bytes), [this](const boost::system::error_code& e, std::size_t n) {
                    boost::system::error_code ignored;
                    if (e) return;
                    said.assign(bytes, n);
                    kept.write_some(boost::asio::buffer("word", 4), ignored);
                    kept.close(ignored);
                });
            }
            accept();
        });
    }

    upstream::handlers handlers() {
        return {.bytes = [this](std::string_view b) { heard += b; }, .closed = [this](std::string why) { closed = why; }};
    }

    boost::asio::io_context io;
    tcp::acceptor acceptor{io, {boost::asio::ip::address_v4::loopback(), 0}};
    tcp::socket kept{io};
    char bytes[256] = {};
    int callers = 0, turned_away = 0;
    std::string said, heard, closed;
};

TEST_F(upstream_test, dials_again_when_it_is_turned_away_without_a_word) {
    turned_away = 3;
    upstream connection(io, address(), handlers());
    connection.send("first ");
    connection.send("second");
    ASSERT_TRUE(run_until(io, [&] { return heard == "word"; })) << closed;
    EXPECT_EQ(said, "first second");
    EXPECT_EQ(callers, 4);
}

TEST_F(upstream_test, does_not_dial_again_once_dlv_has_spoken) {
    upstream connection(io, address(), handlers());
    connection.send("first");
    ASSERT_TRUE(run_until(io, [&] { return !closed.empty(); }));
    EXPECT_EQ(heard, "word");
    EXPECT_EQ(callers, 1);
}

TEST_F(upstream_test, gives_up_in_the_end) {
    turned_away = 1000;
    upstream connection(io, address(), handlers(), std::chrono::milliseconds(100));
    connection.send("first");
    connection.pause();
    connection.resume();
    ASSERT_TRUE(run_until(io, [&] { return !closed.empty(); }));
    EXPECT_GT(callers, 1);
    EXPECT_NE(closed.find("turns the gateway away"), std::string::npos) << closed;
}

}  // namespace
}  // namespace gateway
