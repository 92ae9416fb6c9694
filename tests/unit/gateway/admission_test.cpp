#include "gateway/admission.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using answer = admission::answer;
using namespace std::chrono_literals;

const admission::time_point start = admission::time_point() + 1h;

limits wide() {
    limits bounds;
    bounds.handshakes = 1000;
    bounds.handshakes_per_source = 1000;
    bounds.handshake_rate = 1000;
    bounds.connections = 1000;
    return bounds;
}

TEST(admission, bounds_handshakes_at_once) {
    limits bounds = wide();
    bounds.handshakes = 2;
    admission gate(bounds);
    EXPECT_EQ(gate.knock("a", start), answer::yes);
    EXPECT_EQ(gate.knock("b", start), answer::yes);
    EXPECT_EQ(gate.knock("c", start), answer::handshakes);
    gate.handshake_over("a");
    EXPECT_EQ(gate.knock("c", start), answer::yes);
}

TEST(admission, bounds_handshakes_of_one_source) {
    limits bounds = wide();
    bounds.handshakes_per_source = 2;
    admission gate(bounds);
    EXPECT_EQ(gate.knock("a", start), answer::yes);
    EXPECT_EQ(gate.knock("a", start), answer::yes);
    EXPECT_EQ(gate.knock("a", start), answer::source_handshakes);
    EXPECT_EQ(gate.knock("b", start), answer::yes);
    gate.handshake_over("a");
    EXPECT_EQ(gate.knock("a", start), answer::yes);
}

TEST(admission, bounds_the_rate_of_one_source) {
    limits bounds = wide();
    bounds.handshake_rate = 5;
    admission gate(bounds);
    const auto knock = [&](admission::time_point now) {
        const auto said = gate.knock("a", now);
        if (said == answer::yes) gate.handshake_over("a");
        return said;
    };
    for (int i = 0; i < 10; ++i) EXPECT_EQ(knock(start), answer::yes) << i;  // the burst
    EXPECT_EQ(knock(start), answer::source_rate);
    EXPECT_EQ(gate.knock("b", start), answer::yes);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(knock(start + 1s), answer::yes) << i;
    EXPECT_EQ(knock(start + 1s), answer::source_rate);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(knock(start + 1h), answer::yes) << i;
    EXPECT_EQ(knock(start + 1h), answer::source_rate);
}

TEST(admission, bounds_connections_in_all) {
    limits bounds = wide();
    bounds.connections = 2;
    admission gate(bounds);
    for (const char* source : {"a", "b"}) {
        EXPECT_EQ(gate.knock(source, start), answer::yes);
        gate.handshake_over(source);
    }
    EXPECT_EQ(gate.knock("c", start), answer::connections);
    gate.connection_over();
    EXPECT_EQ(gate.knock("c", start), answer::yes);
}

TEST(admission, bounds_connections_of_one_identity) {
    limits bounds = wide();
    bounds.connections_per_identity = 2;
    admission gate(bounds);
    EXPECT_TRUE(gate.enter("alice"));
    EXPECT_TRUE(gate.enter("alice"));
    EXPECT_FALSE(gate.enter("alice"));
    EXPECT_TRUE(gate.enter("bob"));
    gate.leave("alice");
    EXPECT_TRUE(gate.enter("alice"));
}

TEST(admission, remembers_only_so_many_sources) {
    limits bounds = wide();
    bounds.handshakes = 100000;
    bounds.connections = 100000;
    bounds.handshakes_per_source = 8;
    admission gate(bounds);
    // More sources than are remembered, each with a handshake open: the rest share one state.
    int admitted = 0;
    for (int i = 0; i < 10000; ++i) admitted += gate.knock("source " + std::to_string(i), start) == answer::yes;
    EXPECT_EQ(admitted, 4096 + 8);
    // When they have gone, newcomers are told apart again.
    for (int i = 0; i < 10000; ++i) gate.handshake_over("source " + std::to_string(i));
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(gate.knock("newcomer " + std::to_string(i), start + 1min), answer::yes) << i;
}

TEST(admission, a_source_is_an_address_or_half_of_one) {
    const auto source = [](const char* text) { return source_of(boost::asio::ip::make_address(text)); };
    EXPECT_EQ(source("192.0.2.7"), "192.0.2.7");
    EXPECT_EQ(source("::ffff:192.0.2.7"), "192.0.2.7");
    EXPECT_EQ(source("2001:db8:1:2:3:4:5:6"), source("2001:db8:1:2:ffff::1"));
    EXPECT_NE(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
}

}  // namespace
}  // namespace gateway
