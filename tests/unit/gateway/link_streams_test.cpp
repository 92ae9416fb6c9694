#include "gateway/link_streams.h"

#include <gtest/gtest.h>

#include <functional>

namespace gateway {
namespace {

using protocol::frame_type;
using protocol::json;
using protocol::link_window;

// What a user heard, in order.
struct heard {
    std::string bytes;
    std::string lost;
    int writable = 0;
    int ended = 0;
    bool destroyed = false;
    std::function<void(std::string_view)> on_bytes;
};

class recorder final : public stream_user {
public:
    explicit recorder(heard& into) : into_(into) {}
    ~recorder() override { into_.destroyed = true; }
    void received(std::string_view bytes) override {
        into_.bytes += bytes;
        if (into_.on_bytes) into_.on_bytes(bytes);
    }
    void writable() override { ++into_.writable; }
    void ended() override { ++into_.ended; }
    void lost(std::string_view reason) override { into_.lost = reason; }

private:
    heard& into_;
};

// One end of a link whose wire is a string.
struct link_end final : link_output, link_owner {
    void send(std::string_view bytes) override {
        wire += bytes;
        if (blocks_at) waiting += bytes.size();
    }
    std::size_t unsent() const override { return waiting; }
    bool control(frame_type type, std::uint32_t stream, const json&) override {
        controls.emplace_back(type, stream);
        if (type == frame_type::open) {
            link_stream& opened = streams.add(stream);
            opened.attach(std::make_unique<recorder>(events));
        }
        return type != frame_type::goaway;
    }
    void stream_closed(std::uint32_t stream) override { closed.push_back(stream); }
    void stream_overflowed(std::uint32_t) override { ++overflows; }
    void broken(std::string_view reason) override { broke = reason; }
    void collect_later() override { collect_wanted = true; }

    link_stream& add(std::uint32_t id, heard& user) {
        link_stream& stream = streams.add(id);
        stream.attach(std::make_unique<recorder>(user));
        return stream;
    }
    void collect() {
        if (std::exchange(collect_wanted, false)) streams.collect();
    }

    std::string wire;
    std::size_t waiting = 0;
    bool blocks_at = false;
    heard events;
    std::vector<std::pair<frame_type, std::uint32_t>> controls;
    std::vector<std::uint32_t> closed;
    std::string broke;
    int overflows = 0;
    bool collect_wanted = false;
    link_streams streams{*this, *this, 8u << 20};
};

std::string hello() {
    std::string out;
    protocol::append_control(out, frame_type::hello, 0, json::object{{"version", 1}});
    return out;
}
std::string open(std::uint32_t id) {
    std::string out;
    protocol::append_control(out, frame_type::open, id, json::object{{"component", "app"}});
    return out;
}
std::string data(std::uint32_t id, std::uint64_t offset, std::string_view bytes) {
    std::string out;
    protocol::append_data(out, id, offset, bytes);
    return out;
}
std::string offset_frame(frame_type type, std::uint32_t id, std::uint64_t offset) {
    std::string out;
    protocol::append_offset(out, type, id, offset);
    return out;
}
std::string reset(std::uint32_t id, const char* reason) {
    std::string out;
    protocol::append_control(out, frame_type::reset, id, json::object{{"reason", reason}});
    return out;
}

struct frame {
    frame_type type;
    std::uint32_t stream;
    std::string payload;
};
std::vector<frame> frames(std::string_view wire) {
    protocol::link_decoder decoder;
    decoder.feed(wire);
    protocol::error_code ec;
    std::vector<frame> out;
    while (const auto one = decoder.next(ec)) out.push_back({one->type, one->stream, std::string(one->payload)});
    EXPECT_FALSE(ec) << ec.message();
    return out;
}
std::size_t data_bytes(std::string_view wire) {
    std::size_t sum = 0;
    for (const auto& one : frames(wire))
        if (one.type == frame_type::data) sum += one.payload.size() - 8;
    return sum;
}

TEST(link_streams, hears_the_same_at_every_split) {
    const std::string wire = hello() + open(1) + data(1, 0, "hello ") + data(1, 6, "world") +
                             offset_frame(frame_type::end, 1, 11);
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        link_end server;
        server.streams.feed(std::string_view(wire).substr(0, cut));
        server.streams.feed(std::string_view(wire).substr(cut));
        EXPECT_EQ(server.events.bytes, "hello world") << "cut at " << cut;
        EXPECT_EQ(server.events.ended, 1) << "cut at " << cut;
        EXPECT_EQ(server.broke, "") << "cut at " << cut;
    }
}

TEST(link_streams, hears_the_same_byte_by_byte) {
    link_end server;
    for (const char c : hello() + open(1) + data(1, 0, "hello")) server.streams.feed({&c, 1});
    EXPECT_EQ(server.events.bytes, "hello");
    EXPECT_EQ(server.broke, "");
}

TEST(link_streams, carries_a_megabyte_and_more_between_two_ends) {
    link_end client;
    link_end server;
    heard answers;
    link_stream& stream = client.add(1, answers);
    answers.on_bytes = [&](std::string_view bytes) { stream.consumed(bytes.size()); };
    server.events.on_bytes = [&](std::string_view bytes) {
        link_stream& back = *server.streams.find(1);
        back.consumed(bytes.size());
        back.send(bytes);  // an echo
    };
    server.streams.feed(hello() + open(1));
    client.streams.feed(hello());

    std::string sent;
    for (std::size_t i = 0; sent.size() < 5u << 20; ++i) sent += std::to_string(i) + ",";
    stream.send(sent);
    stream.end();
    while (!client.wire.empty() || !server.wire.empty()) {
        server.streams.feed(std::exchange(client.wire, {}));
        client.streams.feed(std::exchange(server.wire, {}));
    }
    EXPECT_TRUE(server.events.bytes == sent);
    EXPECT_TRUE(answers.bytes == sent);
    EXPECT_EQ(server.events.ended, 1);
}

TEST(link_streams, sends_no_more_than_the_window) {
    link_end client;
    heard user;
    link_stream& stream = client.add(1, user);
    client.streams.feed(hello());
    stream.send(std::string(3 * link_window, 'x'));
    EXPECT_EQ(data_bytes(client.wire), link_window);
    EXPECT_EQ(stream.unsent(), 2 * link_window);

    client.wire.clear();
    client.streams.feed(offset_frame(frame_type::ack, 1, 1000));
    EXPECT_EQ(data_bytes(client.wire), 1000u);

    client.wire.clear();
    client.streams.feed(offset_frame(frame_type::ack, 1, link_window + 1000));
    EXPECT_EQ(data_bytes(client.wire), link_window);
}

TEST(link_streams, acknowledges_what_was_consumed_in_quarters_of_the_window) {
    link_end server;
    server.streams.feed(hello() + open(1) + data(1, 0, std::string(200 * 1024, 'a')));
    link_stream& stream = *server.streams.find(1);
    stream.consumed(200 * 1024);
    EXPECT_EQ(server.wire, "");
    server.streams.feed(data(1, 200 * 1024, std::string(100 * 1024, 'b')));
    stream.consumed(100 * 1024);
    const auto out = frames(server.wire);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].type, frame_type::ack);
    EXPECT_EQ(protocol::read_offset(out[0].payload), 300u * 1024);
}

TEST(link_streams, cannot_be_talked_into_acknowledging_more_than_came) {
    link_end server;
    server.streams.feed(hello() + open(1) + data(1, 0, std::string(256 * 1024 - 1, 'a')));
    server.streams.find(1)->consumed(10 * link_window);
    EXPECT_EQ(server.wire, "");
}

struct violation {
    const char* name;
    std::string wire;
    const char* reason;
};

TEST(link_streams, closes_the_link_on_every_violation) {
    const std::string big(link_window / 4, 'x');
    std::string too_much;
    for (std::uint64_t i = 0; i < 4; ++i) too_much += data(1, i * big.size(), big);
    too_much += data(1, 4 * big.size(), "y");
    const std::string opened = hello() + open(1);
    std::string no_object;
    protocol::append_frame(no_object, frame_type::list, 0, "[]");
    const violation all[] = {
        {"no hello", open(1), "not a hello"},
        {"data first", data(1, 0, "x"), "not a hello"},
        {"two hellos", hello() + hello(), "second hello"},
        {"window", opened + too_much, "window"},
        {"gap", opened + data(1, 1, "x"), "wrong offset"},
        {"repetition", opened + data(1, 0, "x") + data(1, 0, "x"), "wrong offset"},
        {"unknown stream", opened + data(3, 0, "x"), "never opened"},
        {"ack of nothing", opened + offset_frame(frame_type::ack, 1, 1), "never sent"},
        {"short end", opened + data(1, 0, "xy") + offset_frame(frame_type::end, 1, 1), "wrong offset"},
        {"data behind end", opened + offset_frame(frame_type::end, 1, 0) + data(1, 0, "x"), "behind the end"},
        {"two ends", opened + offset_frame(frame_type::end, 1, 0) + offset_frame(frame_type::end, 1, 0), "second end"},
        {"not an object", hello() + no_object, "not a JSON object"},
        {"no frame", hello() + std::string(12, '\xff'), "breaks the protocol"},
    };
    for (const auto& one : all) {
        for (std::size_t cut = 0; cut <= one.wire.size(); cut += one.wire.size() > 4096 ? 65521 : 1) {
            link_end server;
            server.streams.feed(std::string_view(one.wire).substr(0, cut));
            server.streams.feed(std::string_view(one.wire).substr(cut));
            EXPECT_NE(server.broke.find(one.reason), std::string::npos)
                << one.name << " cut at " << cut << ": " << server.broke;
            if (server.streams.last_id() == 1 && server.events.ended == 0) {
                EXPECT_EQ(server.events.lost, server.broke) << one.name;
            }
            // Nothing is taken any more.
            const auto before = server.events.bytes.size();
            server.streams.feed(data(1, before, "z"));
            EXPECT_EQ(server.events.bytes.size(), before) << one.name;
        }
    }
}

TEST(link_streams, an_owner_that_refuses_a_control_frame_closes_the_link) {
    link_end server;
    std::string wire = hello();
    protocol::append_control(wire, frame_type::goaway, 0, json::object{});
    server.streams.feed(wire);
    EXPECT_NE(server.broke.find("out of place"), std::string::npos) << server.broke;
}

TEST(link_streams, takes_turns_among_streams) {
    link_end server;
    heard users[3];
    link_stream* streams[3];
    for (std::uint32_t i = 0; i < 3; ++i) streams[i] = &server.add(2 * i + 1, users[i]);
    server.waiting = link_streams::high_water;  // the network takes nothing
    for (auto* one : streams) one->send(std::string(3 * link_streams::chunk, 'x'));
    EXPECT_EQ(server.wire, "");
    server.waiting = 0;
    server.streams.pump();
    std::vector<std::uint32_t> order;
    for (const auto& one : frames(server.wire)) {
        order.push_back(one.stream);
        EXPECT_EQ(one.payload.size(), link_streams::chunk + 8);
    }
    EXPECT_EQ(order, (std::vector<std::uint32_t>{1, 3, 5, 1, 3, 5, 1, 3, 5}));
}

TEST(link_streams, a_stream_without_window_does_not_hold_up_the_others) {
    link_end server;
    heard users[2];
    link_stream& greedy = server.add(1, users[0]);
    link_stream& modest = server.add(3, users[1]);
    greedy.send(std::string(2 * link_window, 'x'));
    server.wire.clear();
    modest.send("hello");
    const auto out = frames(server.wire);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].stream, 3u);
}

TEST(link_streams, stops_while_the_output_is_full_and_says_when_it_is_not) {
    link_end server;
    heard user;
    link_stream& stream = server.add(1, user);
    server.blocks_at = true;
    stream.send(std::string(512 * 1024, 'x'));
    EXPECT_GE(stream.unsent(), 192u * 1024);
    EXPECT_LE(server.waiting, link_streams::high_water + link_streams::chunk + 64);
    EXPECT_EQ(user.writable, 0);  // never from within send()
    server.blocks_at = false;
    server.waiting = 0;
    server.streams.pump();
    EXPECT_EQ(stream.unsent(), 0u);
    EXPECT_GE(user.writable, 1);
    EXPECT_EQ(data_bytes(server.wire), 512u * 1024);
}

TEST(link_streams, finish_sends_what_is_queued_and_delivers_nothing_more) {
    link_end server;
    server.streams.feed(hello() + open(1));
    link_stream& stream = *server.streams.find(1);
    server.waiting = link_streams::high_water;
    stream.send("goodbye");
    stream.finish();
    server.streams.feed(data(1, 0, "late"));
    EXPECT_EQ(server.events.bytes, "");
    server.waiting = 0;
    server.streams.pump();
    const auto out = frames(server.wire);
    ASSERT_EQ(out.size(), 3u);
    EXPECT_EQ(out[0].type, frame_type::ack);  // of what was not delivered: the peer does not wait for it
    EXPECT_EQ(protocol::read_offset(out[0].payload), 4u);
    EXPECT_EQ(out[1].payload.substr(8), "goodbye");
    EXPECT_EQ(out[2].type, frame_type::end);
    EXPECT_EQ(protocol::read_offset(out[2].payload), 7u);
    // The stream stays until the peer has ended, too.
    server.collect();
    EXPECT_NE(server.streams.find(1), nullptr);
    server.streams.feed(offset_frame(frame_type::end, 1, 4));
    server.collect();
    EXPECT_EQ(server.streams.find(1), nullptr);
    EXPECT_EQ(server.closed, std::vector<std::uint32_t>{1});
    EXPECT_TRUE(server.events.destroyed);
    EXPECT_EQ(server.events.ended, 0);
}

TEST(link_streams, finish_inside_received_destroys_the_user_later) {
    link_end server;
    server.events.on_bytes = [&](std::string_view) {
        server.streams.find(1)->finish();
        EXPECT_FALSE(server.events.destroyed);
    };
    server.streams.feed(hello() + open(1) + data(1, 0, "x") + data(1, 1, "y") + offset_frame(frame_type::end, 1, 2));
    EXPECT_EQ(server.events.bytes, "x");
    EXPECT_FALSE(server.events.destroyed);
    server.collect();
    EXPECT_TRUE(server.events.destroyed);
}

TEST(link_streams, half_close_goes_on_receiving) {
    link_end client;
    heard user;
    link_stream& stream = client.add(1, user);
    client.streams.feed(hello());
    stream.send("ask");
    stream.end();
    client.streams.feed(data(1, 0, "answer") + offset_frame(frame_type::end, 1, 6));
    EXPECT_EQ(user.bytes, "answer");
    EXPECT_EQ(user.ended, 1);
    client.collect();
    EXPECT_EQ(client.streams.find(1), nullptr);
}

TEST(link_streams, a_reset_is_told_with_its_reason) {
    link_end server;
    server.streams.feed(hello() + open(1) + data(1, 0, "x") + reset(1, "the IDE went\naway"));
    EXPECT_EQ(server.events.lost, "the IDE went away");
    server.collect();
    EXPECT_TRUE(server.events.destroyed);
    // What was under way behind it is dropped.
    server.streams.feed(data(1, 1, "y") + offset_frame(frame_type::end, 1, 2));
    EXPECT_EQ(server.broke, "");
}

TEST(link_streams, abort_resets_with_a_reason_cut_at_a_character) {
    link_end server;
    server.streams.feed(hello() + open(1));
    std::string reason;
    while (reason.size() < 600) reason += "ä";
    server.streams.find(1)->abort("x" + reason);
    const auto out = frames(server.wire);
    ASSERT_EQ(out.size(), 1u);
    const auto body = protocol::parse_json(out[0].payload);
    ASSERT_TRUE(body);
    EXPECT_LE(body->get_string("reason").size(), 512u);
    EXPECT_EQ(server.events.lost, "");  // whoever aborts is not told
    server.collect();
    EXPECT_TRUE(server.events.destroyed);
}

TEST(link_streams, a_viewer_that_does_not_read_is_cut_off) {
    link_end server;
    server.streams.feed(hello() + open(1));
    link_stream& stream = *server.streams.find(1);
    stream.send(std::string(10u << 20, 'x'));
    EXPECT_EQ(server.events.lost, "");  // not from within send()
    EXPECT_EQ(stream.unsent(), 0u);
    server.collect();
    EXPECT_NE(server.events.lost, "");
    EXPECT_EQ(server.overflows, 1);
    EXPECT_TRUE(server.events.destroyed);
}

TEST(link_streams, nothing_leaves_a_corked_stream_before_the_verdict) {
    link_end server;
    heard user;
    link_stream& stream = server.add(1, user);
    stream.cork();
    stream.send("greeting");
    stream.finish();
    EXPECT_EQ(server.wire, "");
    server.streams.send_control(frame_type::verdict, 1, json::object{{"ok", true}});
    stream.uncork();
    const auto out = frames(server.wire);
    ASSERT_EQ(out.size(), 3u);
    EXPECT_EQ(out[0].type, frame_type::verdict);
    EXPECT_EQ(out[1].type, frame_type::data);
    EXPECT_EQ(out[2].type, frame_type::end);
}

TEST(link_streams, early_data_of_a_refused_stream_is_dropped) {
    link_end server;
    server.streams.feed(hello());
    server.streams.refuse(5);
    server.streams.feed(data(5, 0, "optimistic") + offset_frame(frame_type::end, 5, 10));
    EXPECT_EQ(server.broke, "");
    server.streams.feed(data(7, 0, "x"));
    EXPECT_NE(server.broke, "");
}

TEST(link_streams, closing_tells_every_user_once) {
    link_end server;
    heard other;
    server.streams.feed(hello() + open(1));
    server.add(3, other);
    server.streams.close("the link broke");
    server.streams.close("again");
    EXPECT_EQ(server.events.lost, "the link broke");
    EXPECT_EQ(other.lost, "the link broke");
    server.collect();
    EXPECT_EQ(server.streams.size(), 0u);
}

TEST(link_streams, answers_a_ping_with_its_bytes) {
    link_end server;
    std::string wire = hello();
    protocol::append_frame(wire, frame_type::ping, 0, "12345678");
    server.streams.feed(wire);
    const auto out = frames(server.wire);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].type, frame_type::pong);
    EXPECT_EQ(out[0].payload, "12345678");
}

TEST(link_streams, asks_a_silent_peer_three_times) {
    link_end server;
    server.streams.feed(hello());
    EXPECT_TRUE(server.streams.tick());  // heard since
    EXPECT_EQ(server.wire, "");
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(server.streams.tick());
    EXPECT_EQ(frames(server.wire).size(), 3u);
    EXPECT_FALSE(server.streams.tick());
}

TEST(link_streams, any_byte_counts_as_a_sign_of_life) {
    link_end server;
    server.streams.feed(hello());
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(server.streams.tick());
        EXPECT_TRUE(server.streams.tick());
        server.streams.feed(open(static_cast<std::uint32_t>(2 * i + 1)));
    }
}

}  // namespace
}  // namespace gateway
