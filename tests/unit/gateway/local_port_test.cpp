#include "gateway/local_port.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

namespace {

namespace asio = boost::asio;

TEST(listen_address, reads_what_people_type) {
    struct row {
        const char* text;
        const char* meant;
    };
    for (const auto& [text, meant] :
         {row{"127.0.0.1:2345", "127.0.0.1:2345"}, row{"localhost:1", "127.0.0.1:1"},
          row{":65535", "127.0.0.1:65535"}, row{"0", "127.0.0.1:0"}, row{"[::1]:2345", "[::1]:2345"},
          row{"0.0.0.0:2345", "0.0.0.0:2345"}, row{"[::]:7", "[::]:7"}}) {
        const auto parsed = gateway::parse_listen_address(text);
        ASSERT_TRUE(parsed) << text << ": " << parsed.error();
        EXPECT_EQ(gateway::to_text(*parsed), meant);
    }
}

TEST(listen_address, refuses_what_is_none) {
    for (const char* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:2345",
                             "[::1]", "[127.0.0.1]:1", "example.org:1", "127.0.0.1:2345x", "[:1"}) {
        const auto parsed = gateway::parse_listen_address(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_NE(parsed.error().find("127.0.0.1:2345"), std::string::npos) << parsed.error();
    }
}

TEST(loopback, is_told_from_the_rest) {
    for (const char* text : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
        EXPECT_TRUE(gateway::is_loopback(asio::ip::make_address(text))) << text;
    for (const char* text : {"0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"})
        EXPECT_FALSE(gateway::is_loopback(asio::ip::make_address(text))) << text;
}

TEST(local_port, lets_the_system_choose) {
    asio::io_context io;
    auto port = gateway::open_local_port(io.get_executor(), {asio::ip::address_v4::loopback(), 0});
    ASSERT_TRUE(port) << port.error();
    EXPECT_NE(port->local_endpoint().port(), 0);
    EXPECT_TRUE(::fcntl(port->native_handle(), F_GETFD) & FD_CLOEXEC);
}

TEST(local_port, says_what_to_do_when_it_is_taken) {
    asio::io_context io;
    auto first = gateway::open_local_port(io.get_executor(), {asio::ip::address_v4::loopback(), 0});
    ASSERT_TRUE(first) << first.error();
    auto second = gateway::open_local_port(io.get_executor(), first->local_endpoint());
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("taken"), std::string::npos) << second.error();
    EXPECT_NE(second.error().find("--listen"), std::string::npos) << second.error();
    EXPECT_EQ(second.error().find('\n'), std::string::npos);
}

TEST(local_port, says_that_the_address_is_not_this_hosts) {
    asio::io_context io;
    auto port = gateway::open_local_port(io.get_executor(), {asio::ip::make_address("192.0.2.1"), 0});
    ASSERT_FALSE(port);
    EXPECT_NE(port.error().find("no such address"), std::string::npos) << port.error();
}

}  // namespace
