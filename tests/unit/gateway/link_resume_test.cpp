// Links that break, wherever it may be: what both ends hear is what they would have heard without it.
#include "gateway/link_streams.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <utility>

namespace gateway {
namespace {

using protocol::frame_type;
using protocol::json;

// Survives the links that carry it.
struct person {
    std::string bytes;
    std::string lost;
    int ended = 0;
    int destroyed = 0;
};

class end;

class listener final : public stream_user {
public:
    listener(person& into, link_stream& stream, bool echoes) : into_(into), stream_(stream), echoes_(echoes) {}
    ~listener() override { ++into_.destroyed; }
    void received(std::string_view bytes) override {
        into_.bytes += bytes;
        if (echoes_) stream_.send(bytes);
        stream_.consumed(bytes.size());
    }
    void writable() override {}
    void ended() override {
        ++into_.ended;
        if (echoes_) {
            stream_.send("bye");
            stream_.finish();
        }
    }
    void lost(std::string_view reason) override { into_.lost = reason; }

private:
    person& into_;
    link_stream& stream_;
    const bool echoes_;
};

// One end of one connection; its wire is a string.
class end final : public link_output, public link_owner {
public:
    explicit end(person* serves = nullptr) : serves_(serves) {
        streams.keep();
        protocol::append_control(wire, frame_type::hello, 0, json::object{{"version", 1}});
    }
    void send(std::string_view bytes) override { wire += bytes; }
    std::size_t unsent() const override { return 0; }
    bool control(frame_type type, std::uint32_t id, const json& body) override {
        if (type == frame_type::open) {
            link_stream& stream = streams.add(id);
            stream.attach(std::make_unique<listener>(*serves_, stream, true));
            json verdict = json::object{{"ok", true}};
            stream.was_made_by(verdict);
            streams.send_control(frame_type::verdict, id, verdict);
        }
        if (type == frame_type::verdict) decided = body.get_bool("ok");
        if (type == frame_type::notice) noticed += std::string(body.get_string("text")) + "\n";
        return true;
    }
    void stream_closed(std::uint32_t) override {}
    void stream_overflowed(std::uint32_t) override {}
    void broken(std::string_view reason) override { broke = reason; }
    void collect_later() override { collect_wanted = true; }
    void held_more() override { ++held; }
    void collect() {
        if (std::exchange(collect_wanted, false)) streams.collect();
    }

    std::string wire;
    std::string broke;
    std::string noticed;
    bool decided = false;
    bool collect_wanted = false;
    int held = 0;
    link_streams streams{*this, *this, 64u << 20};

private:
    person* serves_;
};

std::vector<stream_place> as_read(const std::vector<stream_place>& places) {
    const json list = to_json(places);
    return *read_places(&list);
}

// A laptop with one IDE, and the gateway's end; what breaks in between is put together again as docs/protocol.md says.
struct pair {
    person ide, view;
    std::unique_ptr<end> laptop = std::make_unique<end>();
    std::unique_ptr<end> gateway = std::make_unique<end>(&view);
    std::uint32_t id = 1;
    std::string said;         // by the IDE
    bool said_all = false;
    bool decided = false;
    int resumed = 0;

    link_stream* stream() { return laptop->streams.find(id); }

    void open() {
        laptop->streams.send_control(frame_type::open, id, json::object{{"component", "app"}});
        link_stream& made = laptop->streams.add(id);
        made.attach(std::make_unique<listener>(ide, made, false));
        made.send(said);
        if (said_all) made.end();
    }
    void say(std::string_view bytes) {
        if (said_all) return;
        said += bytes;
        if (auto* s = stream()) s->send(bytes);
    }
    void say_no_more() {
        said_all = true;
        if (auto* s = stream()) s->end();
    }
    // At most that many bytes, one way and then the other; false: nothing is under way.
    bool deliver(std::size_t& budget, std::size_t piece) {
        bool moved = false;
        for (auto* from : {laptop.get(), gateway.get()}) {
            auto* to = from == laptop.get() ? gateway.get() : laptop.get();
            const std::string bytes = from->wire.substr(0, std::min({from->wire.size(), budget, piece}));
            from->wire.erase(0, bytes.size());
            budget -= bytes.size();
            moved |= !bytes.empty();
            to->streams.feed(bytes);
        }
        decided |= laptop->decided;
        laptop->collect();
        gateway->collect();
        return moved;
    }
    void deliver_all() {
        std::size_t budget = SIZE_MAX;
        while (deliver(budget, SIZE_MAX)) {}
    }
    void cut() {
        auto kept_laptop = std::make_unique<end>();
        auto kept_gateway = std::make_unique<end>(&view);
        kept_laptop->streams.take_over(laptop->streams);
        kept_gateway->streams.take_over(gateway->streams);
        laptop = std::move(kept_laptop);
        gateway = std::move(kept_gateway);
    }
    void resume() {
        ++resumed;
        auto new_laptop = std::make_unique<end>();
        auto new_gateway = std::make_unique<end>(&view);
        auto asked = laptop->streams.places();
        for (auto& one : asked) one.undecided = !decided;
        asked = as_read(asked);
        ASSERT_EQ(gateway->streams.fault_in(asked), "");
        new_gateway->streams.take_over(gateway->streams);
        const auto answer = as_read(new_gateway->streams.places());
        new_gateway->streams.resume(asked);
        ASSERT_EQ(laptop->streams.fault_in(answer), "");
        new_laptop->streams.take_over(laptop->streams);
        new_laptop->streams.resume(answer);
        laptop = std::move(new_laptop);
        gateway = std::move(new_gateway);
        laptop->collect();
        gateway->collect();
        // OPEN was lost: the IDE's first words are said again, on a stream of their own.
        if (!decided && !ide.lost.empty()) {
            ide.lost.clear();
            ide.destroyed = 0;
            id += 2;
            open();
        }
    }
    void expect_all(const std::string& where) {
        EXPECT_TRUE(decided) << where;
        EXPECT_TRUE(view.bytes == said) << where << ": " << view.bytes.size() << " of " << said.size();
        EXPECT_TRUE(ide.bytes == said + "bye") << where << ": " << ide.bytes.size() << " of " << said.size() + 3;
        EXPECT_EQ(ide.ended, 1) << where;
        EXPECT_EQ(view.ended, 1) << where;
        EXPECT_EQ(ide.lost + view.lost, "") << where;
        EXPECT_EQ(ide.destroyed, 1) << where;
        EXPECT_EQ(view.destroyed, 1) << where;
        EXPECT_EQ(laptop->broke + gateway->broke, "") << where;
        EXPECT_TRUE(laptop->streams.empty()) << where;
        EXPECT_TRUE(gateway->streams.empty()) << where;
        EXPECT_EQ(laptop->streams.kept() + gateway->streams.kept(), 0u) << where;
    }
};

// A dialogue of a few messages, its link cut after that many bytes; true: it was over before.
bool dialogue_cut_at(std::size_t at, std::size_t again) {
    pair two;
    two.say("question one,");
    two.open();
    bool over = true;
    for (std::size_t budget : {at, again, std::size_t{SIZE_MAX}}) {
        for (int step = 0; two.deliver(budget, 7) || (step < 3 && budget > 0); ++step) {
            if (step == 0) two.say("question two,");
            if (step == 1) two.say("question three");
            if (step == 2) two.say_no_more();
        }
        if (budget > 0) break;
        over = false;
        two.cut();
        // What is said meanwhile is said later.
        two.say("and while it is down,");
        two.resume();
    }
    two.say_no_more();
    two.deliver_all();
    two.expect_all("cut at " + std::to_string(at) + " and " + std::to_string(again));
    return over;
}

TEST(link_resume, a_dialogue_is_the_same_wherever_its_link_breaks) {
    std::size_t at = 0;
    while (!dialogue_cut_at(at, SIZE_MAX)) ++at;
    EXPECT_GT(at, 400u);
}

TEST(link_resume, a_dialogue_is_the_same_when_its_link_breaks_again_while_it_goes_on) {
    for (std::size_t at = 0; at < 700; at += 29)
        for (std::size_t again = 0; again < 300; again += 17) dialogue_cut_at(at, again);
}

TEST(link_resume, megabytes_are_the_same_after_many_breaks) {
    for (unsigned seed = 1; seed <= 6; ++seed) {
        std::mt19937 random(seed);
        pair two;
        std::string much;
        for (std::size_t i = 0; much.size() < 3u << 20; ++i) much += std::to_string(i * seed) + ",";
        two.open();
        two.say(much);
        two.say_no_more();
        for (int breaks = 0; breaks < 12; ++breaks) {
            std::size_t budget = random() % (1u << 20);
            while (budget > 0 && two.deliver(budget, 1 + random() % 200'000)) {}
            two.cut();
            two.resume();
        }
        two.deliver_all();
        two.expect_all("seed " + std::to_string(seed));
    }
}

TEST(link_resume, links_that_carry_a_few_kilobytes_each_get_on_all_the_same) {
    pair two;
    two.open();
    two.say(std::string(400'000, 'x'));
    two.say_no_more();
    for (int breaks = 0; breaks < 300; ++breaks) {
        std::size_t budget = 10'000;
        while (budget > 0 && two.deliver(budget, 1'000)) {}
        two.cut();
        two.resume();
    }
    EXPECT_EQ(two.view.bytes.size(), 400'000u);
    EXPECT_GT(two.ide.bytes.size(), 400'000u);
    two.deliver_all();
    two.expect_all("ten kilobytes at a time");
}

TEST(link_resume, what_was_dealt_with_is_not_kept_any_longer_than_to_the_next_word) {
    pair two;
    two.open();
    for (int i = 0; i < 100; ++i) {
        two.say(std::string(1000, 'x'));
        two.deliver_all();
        EXPECT_LE(two.laptop->streams.kept(), 1000u);
        EXPECT_LE(two.gateway->streams.kept(), 1000u);
    }
    // And when nothing more is said, at the next look at the clock.
    two.laptop->streams.tick();
    two.gateway->streams.tick();
    two.deliver_all();
    EXPECT_EQ(two.laptop->streams.kept() + two.gateway->streams.kept(), 0u);
}

TEST(link_resume, a_reset_while_the_link_is_down_is_told_with_its_reason) {
    pair two;
    two.say("x");
    two.open();
    two.deliver_all();
    two.cut();
    two.gateway->streams.find(1)->abort("the program has ended");
    two.gateway->collect();
    two.resume();
    EXPECT_EQ(two.ide.lost, "the program has ended");
    EXPECT_TRUE(two.laptop->streams.empty());
}

TEST(link_resume, a_reset_that_was_lost_with_the_link_is_told_with_its_reason) {
    pair two;
    two.say("x");
    two.open();
    two.deliver_all();
    two.gateway->streams.find(1)->abort("cut off");
    two.gateway->collect();
    two.cut();  // before it could leave
    two.resume();
    EXPECT_EQ(two.ide.lost, "cut off");
}

TEST(link_resume, a_stream_the_laptop_has_given_up_is_lost_at_the_gateway) {
    pair two;
    two.say("x");
    two.open();
    two.deliver_all();
    two.cut();
    two.stream()->abort("the IDE is gone");
    two.laptop->collect();
    two.resume();
    EXPECT_EQ(two.view.lost, "the IDE is gone");
    EXPECT_EQ(two.view.destroyed, 1);
}

TEST(link_resume, a_stream_nobody_speaks_of_is_lost) {
    pair two;
    two.say("x");
    two.open();
    two.deliver_all();
    two.cut();
    end fresh(&two.view);
    fresh.streams.take_over(two.gateway->streams);
    fresh.streams.resume({});
    EXPECT_NE(two.view.lost, "");
    fresh.collect();
    EXPECT_TRUE(fresh.streams.empty());
}

TEST(link_resume, nothing_leaves_a_link_that_is_held) {
    pair two;
    two.say("x");
    two.open();
    two.deliver_all();
    two.cut();
    const std::string before = two.gateway->wire;
    auto* stream = two.gateway->streams.find(1);
    stream->send(std::string(3u << 20, 'y'));
    stream->consumed(1);
    stream->finish();
    two.gateway->streams.pump();
    two.gateway->streams.tick();
    EXPECT_EQ(two.gateway->wire, before);
    EXPECT_EQ(stream->unsent(), 3u << 20);
    EXPECT_EQ(two.gateway->held, 1);
    EXPECT_EQ(two.gateway->streams.kept(), (3u << 20) + 1);
    two.resume();
    two.deliver_all();
    EXPECT_EQ(two.ide.bytes.size(), (3u << 20) + 1);
    EXPECT_EQ(two.ide.ended, 1);
}

TEST(link_resume, a_peer_that_acknowledges_no_end_does_not_make_us_keep_them_all) {
    person view;
    end gateway(&view);
    std::string wire;
    protocol::append_control(wire, frame_type::hello, 0, json::object{{"version", 1}});
    for (std::uint32_t id = 1; id < 2001; id += 2) {
        protocol::append_control(wire, frame_type::open, id, json::object{});
        protocol::append_data(wire, id, 0, std::string(1000, 'x'));
        protocol::append_offset(wire, frame_type::end, id, 1000);
        gateway.streams.feed(std::exchange(wire, {}));
        gateway.collect();
    }
    EXPECT_EQ(gateway.broke, "");
    EXPECT_EQ(view.destroyed, 1000);
    EXPECT_EQ(gateway.streams.size(), 0u);
    EXPECT_LE(gateway.streams.kept(), 1003 * link_streams::remembered);
}

TEST(link_resume, what_cannot_be_is_found) {
    pair two;
    two.say("hello");
    two.open();
    two.deliver_all();
    two.laptop->streams.tick();  // acknowledges the echo
    two.deliver_all();
    two.cut();
    const auto fault = [&](const char* text) {
        const auto list = protocol::parse_json(text);
        EXPECT_TRUE(list) << text;
        const auto places = read_places(&*list);
        return places ? two.gateway->streams.fault_in(*places) : std::string("unreadable");
    };
    EXPECT_EQ(fault(R"([{"stream":1,"received":5}])"), "");
    EXPECT_EQ(fault(R"([{"stream":9,"received":77}])"), "");  // it is for us to know of it, or not
    EXPECT_EQ(fault(R"([])"), "");
    for (const char* wrong : {
             R"([{"stream":1,"received":6}])", R"([{"stream":1,"received":18446744073709551615}])",
             R"([{"stream":1,"received":4}])", R"([{"stream":1,"received":0}])",
             R"([{"stream":1,"received":5,"ended":true}])", R"([{"stream":1,"received":-1}])",
             R"([{"stream":1,"received":"5"}])", R"([{"stream":1}])", R"([{"stream":2,"received":0}])",
             R"([{"stream":0,"received":0}])", R"([{"stream":4294967297,"received":0}])",
             R"([{"stream":1,"received":5},{"stream":1,"received":5}])", R"([{"received":5}])", R"([5])", R"({})",
             R"([{"stream":1,"reset":5}])"})
        EXPECT_NE(fault(wrong), "") << wrong;
}

TEST(link_resume, what_has_been_told_is_known_while_a_link_is_held) {
    pair two;
    two.gateway->streams.prompt_acks();
    two.open();
    two.deliver_all();
    two.cut();
    auto* stream = two.gateway->streams.find(1);
    stream->send("stopped");
    EXPECT_EQ(stream->sent(), 7u);
    EXPECT_EQ(stream->delivered(), 0u);
}

TEST(link_resume, a_line_for_the_person_is_told_though_its_link_breaks) {
    pair two;
    two.open();
    two.deliver_all();
    two.cut();
    two.gateway->streams.find(1)->notice("lines may be off");
    two.resume();
    two.deliver_all();
    EXPECT_EQ(two.laptop->noticed, "lines may be off\n");
    two.gateway->streams.find(1)->notice("once more");
    two.cut();  // before it could leave
    two.resume();
    two.deliver_all();
    EXPECT_EQ(two.laptop->noticed, "lines may be off\nonce more\n");
}

// Says something on another stream when it hears of its own end, as the hub does.
class last_will final : public stream_user {
public:
    explicit last_will(link_stream& other) : other_(other) {}
    void received(std::string_view) override {}
    void writable() override {}
    void ended() override {}
    void lost(std::string_view) override { other_.send("it has gone"); }

private:
    link_stream& other_;
};

TEST(link_resume, whoever_hears_of_an_end_may_speak_on_the_streams_that_go_on) {
    end held;
    link_stream& going = held.streams.add(1);
    link_stream& staying = held.streams.add(3);
    going.attach(std::make_unique<last_will>(staying));
    staying.send("hello, ");
    end fresh;
    fresh.streams.take_over(held.streams);
    fresh.wire.clear();
    fresh.streams.resume({[] {
        stream_place one;
        one.stream = 3;
        one.received = 3;
        return one;
    }()});
    protocol::link_decoder decoder;
    decoder.feed(fresh.wire);
    protocol::error_code ec;
    std::string got;
    while (const auto frame = decoder.next(ec))
        if (frame->type == frame_type::data && frame->stream == 3) {
            EXPECT_EQ(protocol::read_offset(frame->payload), 3 + got.size());
            got += frame->payload.substr(8);
        }
    EXPECT_EQ(got, "lo, it has gone");
}

// Drops its stream when the other end has ended it.
class hasty final : public stream_user {
public:
    explicit hasty(link_stream& stream) : stream_(stream) {}
    void received(std::string_view) override {}
    void writable() override {}
    void ended() override { stream_.abort("so it is"); }
    void lost(std::string_view) override {}

private:
    link_stream& stream_;
};

TEST(link_resume, a_stream_may_be_dropped_when_it_is_ended) {
    end one;
    link_stream& stream = one.streams.add(1);
    stream.attach(std::make_unique<hasty>(stream));
    stream.end();
    std::string wire;
    protocol::append_control(wire, frame_type::hello, 0, json::object{{"version", 1}});
    protocol::append_offset(wire, frame_type::end, 1, 0);
    one.streams.feed(wire);
    one.collect();
    EXPECT_TRUE(one.streams.empty());
    EXPECT_EQ(one.broke, "");
}

}  // namespace
}  // namespace gateway
