#include "gateway/dap_window.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/gateway/fake_dlv.h"

namespace gateway {
namespace {

using protocol::frame;
using protocol::json;

constexpr std::size_t whole_limit = 64u << 20;

struct keeping_sink : response_sink {
    bool begin(std::uint64_t rest) override {
        EXPECT_FALSE(begun) << "begun twice";
        begun = true;
        announced = rest;
        return wanted;
    }
    bool piece(std::string_view bytes, bool last) override {
        EXPECT_TRUE(begun && wanted && !over);
        text += bytes;
        over = last;
        if (last && at_end) at_end();
        return !full;
    }
    void broken(std::string_view why) override {
        EXPECT_FALSE(over);
        over = true;
        reason = why;
    }
    std::string text;
    std::uint64_t announced = 0;
    std::optional<std::string> reason;
    std::function<void()> at_end;
    bool wanted = true, full = false, begun = false, over = false;
};

std::string response(int seq, int to, const std::string& rest) {
    return frame("{\"seq\":" + std::to_string(seq) + ",\"type\":\"response\",\"request_seq\":" + std::to_string(to) + rest);
}
const std::string good = ",\"success\":true,\"command\":\"threads\",\"body\":{\"threads\":[]}}";
const std::string bad =
    ",\"success\":false,\"command\":\"evaluate\",\"message\":\"Unable to evaluate\",\"body\":{\"error\":{\"id\":2009,"
    "\"format\":\"Unable to evaluate: no such name\",\"showUser\":true}}}";

class dap_window_test : public testing::Test {
protected:
    void open() {
        closed.clear();
        events.clear();
        window = std::make_unique<dap_window>(
            io, dlv.address(),
            dap_window::handlers{.event = [this](std::string_view name, const json& body) {
                                     events.emplace_back(name, protocol::to_text(body));
                                 },
                                 .closed = [this](std::string r) { closed.push_back(r); }});
        dlv.accept();
    }
    void call(const std::string& command, std::optional<dap_outcome>& out) {
        window->call(command, json::object{}, [&out](dap_outcome o) {
            EXPECT_FALSE(out) << "answered twice";
            out = std::move(o);
        });
    }
    // The commands that dlv has got, with their seq.
    std::vector<std::pair<std::int64_t, std::string>> hear_requests(std::size_t count) {
        std::vector<std::pair<std::int64_t, std::string>> got;
        dlv.hear([&](const std::string& text) {
            got.clear();
            protocol::frame_decoder decoder(1 << 20);
            decoder.feed(text);
            protocol::error_code ec;
            while (auto body = decoder.next(ec)) {
                auto request = protocol::parse_dap_request(*body);
                EXPECT_TRUE(request);
                if (request) got.emplace_back(request->seq, request->command);
            }
            return got.size() >= count;
        });
        return got;
    }

    boost::asio::io_context io;
    fake_dlv dlv{io};
    std::unique_ptr<dap_window> window;
    std::vector<std::string> closed;
    std::vector<std::pair<std::string, std::string>> events;
};

using requests = std::vector<std::pair<std::int64_t, std::string>>;

TEST_F(dap_window_test, asks_one_after_the_other) {
    open();
    std::optional<dap_outcome> first, second;
    EXPECT_FALSE(window->busy());
    call("threads", first);
    call("scopes", second);
    EXPECT_TRUE(window->busy());
    EXPECT_EQ(hear_requests(1), (requests{{1, "threads"}}));
    dlv.say(response(1, 1, good));
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->success);
    EXPECT_FALSE(second);
    EXPECT_EQ(hear_requests(2), (requests{{1, "threads"}, {2, "scopes"}}));
    dlv.say(response(2, 2, bad));
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->success);
    EXPECT_FALSE(second->lost);
    EXPECT_EQ(second->error, "Unable to evaluate: no such name");
    EXPECT_FALSE(window->busy());
}

// Events between and behind responses, one read whole, one streamed, one failed: the same at every cut.
TEST_F(dap_window_test, hears_the_same_at_every_cut) {
    const std::string event = frame("{\"seq\":7,\"type\":\"event\",\"event\":\"output\",\"body\":{\"output\":\"\\u00e9\\n\"}}");
    const std::string bare = frame("{\"seq\":0,\"type\":\"event\",\"event\":\"initialized\"}");
    const std::string first = event + response(0, 1, good) + bare;
    const std::string rest = event + response(0, 2, good) + event;
    for (std::size_t cut = 0; cut <= first.size() + rest.size(); ++cut) {
        open();
        std::optional<dap_outcome> whole;
        keeping_sink sink;
        call("threads", whole);
        window->stream("variables", json::object{}, sink);
        hear_requests(1);
        // The second request leaves only when the first is answered.
        if (cut <= first.size()) {
            dlv.say(first.substr(0, cut));
            dlv.say(first.substr(cut));
            hear_requests(2);
            dlv.say(rest);
        } else {
            dlv.say(first);
            hear_requests(2);
            dlv.say(rest.substr(0, cut - first.size()));
            dlv.say(rest.substr(cut - first.size()));
        }
        ASSERT_TRUE(whole && sink.over) << "cut at " << cut;
        EXPECT_TRUE(whole->success);
        EXPECT_EQ(protocol::to_text(*whole->message.find("body")), "{\"threads\":[]}");
        EXPECT_EQ(sink.text, good) << "cut at " << cut;
        EXPECT_EQ(sink.announced, good.size());
        ASSERT_EQ(events.size(), 4u) << "cut at " << cut;
        EXPECT_EQ(events[0], (std::pair<std::string, std::string>("output", "{\"output\":\"é\\n\"}")));
        EXPECT_EQ(events[1], (std::pair<std::string, std::string>("initialized", "null")));
        EXPECT_TRUE(closed.empty());
    }
}

TEST_F(dap_window_test, hears_the_same_byte_by_byte) {
    open();
    keeping_sink sink;
    window->stream("variables", json::object{}, sink);
    hear_requests(1);
    for (char c : response(0, 1, good)) dlv.say({&c, 1});
    EXPECT_TRUE(sink.over);
    EXPECT_EQ(sink.text, good);
}

TEST_F(dap_window_test, a_break_at_any_byte_is_told_to_all_who_wait) {
    const std::string wire = response(0, 1, good);
    for (std::size_t cut = 0; cut < wire.size(); ++cut) {
        open();
        keeping_sink sink;
        std::optional<dap_outcome> later;
        window->stream("variables", json::object{}, sink);
        call("threads", later);
        hear_requests(1);
        dlv.say(wire.substr(0, cut));
        EXPECT_FALSE(sink.over);
        dlv.hang_up();
        ASSERT_TRUE(run_until(io, [&] { return !closed.empty(); }));
        EXPECT_EQ(sink.reason, "dlv closed the connection") << "cut at " << cut;
        ASSERT_TRUE(later);
        EXPECT_TRUE(later->lost);
        EXPECT_EQ(closed, std::vector<std::string>{"dlv closed the connection"});
    }
}

TEST_F(dap_window_test, a_second_word_on_an_answered_request_is_passed_over) {
    open();
    std::optional<dap_outcome> first, second;
    call("threads", first);
    call("scopes", second);
    hear_requests(1);
    dlv.say(response(0, 1, good));
    hear_requests(2);
    dlv.say(response(0, 1, bad) + response(0, 99, bad));
    EXPECT_FALSE(second);
    dlv.say(response(0, 2, good));
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->success);
}

TEST_F(dap_window_test, nothing_that_is_not_dap_is_believed) {
    const std::pair<std::string, std::string> wrong[] = {
        {"{\"id\":1}\n", "dlv sent a message that is not DAP"},
        {"Content-Length: x\r\n\r\n", "dlv sent a message that is not DAP"},
        {"Content-Length: 02\r\n\r\n{}", "dlv sent a message that is not DAP"},
        {frame("{}"), "dlv sent a message that is not DAP"},
        {frame("{\"type\":\"response\",\"seq\":1,\"request_seq\":1,\"success\":true}"), "dlv sent a message that is not DAP"},
        {frame("{\"seq\":1,\"type\":\"request\",\"command\":\"runInTerminal\"}"), "dlv sent a message that is not DAP"},
        {frame("{\"seq\":1,\"type\":\"event\",\"event\":\"output\",\"body\":{]}"), "dlv sent a message that is not JSON"},
    };
    for (auto& [wire, reason] : wrong) {
        open();
        std::optional<dap_outcome> out;
        call("threads", out);
        hear_requests(1);
        dlv.say(wire);
        ASSERT_TRUE(out) << wire;
        EXPECT_TRUE(out->lost) << wire;
        EXPECT_EQ(out->error, reason) << wire;
        dlv.say(response(0, 1, good));
        dlv.hang_up();
        io.restart();
        io.poll();
        EXPECT_EQ(closed, std::vector<std::string>{reason}) << wire;
    }
}

TEST_F(dap_window_test, a_response_nobody_wants_is_dropped_and_the_next_request_sent) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1} << 20}) {
        open();
        keeping_sink unwanted, next;
        unwanted.wanted = false;
        window->stream("variables", json::object{}, unwanted);
        window->stream("scopes", json::object{}, next);
        hear_requests(1);
        const std::string large = ",\"success\":true,\"body\":\"" + std::string(size, 'x') + "\"}";
        dlv.say(response(0, 1, large));
        EXPECT_TRUE(unwanted.begun);
        EXPECT_EQ(unwanted.announced, large.size());
        EXPECT_FALSE(unwanted.over);
        hear_requests(2);
        dlv.say(response(0, 2, good));
        EXPECT_EQ(next.text, good);
        EXPECT_TRUE(closed.empty());
    }
}

TEST_F(dap_window_test, what_is_read_whole_has_a_limit_to_the_byte_and_the_window_lives_on) {
    for (std::size_t over : {0u, 1u}) {
        open();
        std::optional<dap_outcome> large, next;
        call("evaluate", large);
        call("threads", next);
        hear_requests(1);
        const std::string before = "{\"seq\":0,\"type\":\"response\",\"request_seq\":1,\"success\":true,\"body\":\"", after = "\"}";
        const std::string body = before + std::string(whole_limit - before.size() - after.size() + over, 'x') + after;
        dlv.say(frame(body));
        ASSERT_TRUE(large);
        EXPECT_EQ(large->success, over == 0);
        EXPECT_FALSE(large->lost);
        if (over) {
            EXPECT_EQ(large->error, "dlv's answer is larger than 64 MiB");
        }
        hear_requests(2);
        dlv.say(response(0, 2, good));
        ASSERT_TRUE(next);
        EXPECT_TRUE(next->success);
    }
}

TEST_F(dap_window_test, an_event_beyond_the_limit_is_passed_over) {
    open();
    std::optional<dap_outcome> out;
    call("threads", out);
    hear_requests(1);
    dlv.say(frame("{\"seq\":0,\"type\":\"event\",\"event\":\"output\",\"body\":\"" + std::string(whole_limit, 'x') + "\"}"));
    EXPECT_FALSE(out);
    EXPECT_TRUE(events.empty());
    dlv.say(response(0, 1, good));
    ASSERT_TRUE(out);
    EXPECT_TRUE(out->success);
}

TEST_F(dap_window_test, forgetting_a_full_sink_reads_on_without_it) {
    open();
    keeping_sink sink;
    std::optional<dap_outcome> next;
    window->stream("variables", json::object{}, sink);
    call("threads", next);
    hear_requests(1);
    sink.full = true;
    const auto wire = response(0, 1, ",\"success\":true,\"body\":\"" + std::string(4u << 20, 'x') + "\"}");
    std::size_t sent = 0;
    ASSERT_TRUE(run_until(io, [&] {
        io.restart();
        io.poll();
        if (const auto n = dlv.offer(std::string_view(wire).substr(sent)); n > 0 && n <= wire.size() - sent) {
            sent += n;
            return false;
        }
        return true;
    }));
    EXPECT_LT(sent, wire.size());
    const auto had = sink.text.size();
    window->forget(sink);
    dlv.say(std::string_view(wire).substr(sent));
    EXPECT_EQ(sink.text.size(), had);
    hear_requests(2);
    dlv.say(response(0, 2, good));
    EXPECT_TRUE(next && next->success);
}

TEST_F(dap_window_test, a_sink_may_ask_for_more_from_its_last_piece) {
    open();
    keeping_sink first, second;
    first.at_end = [&] { window->stream("scopes", json::object{}, second); };
    window->stream("variables", json::object{}, first);
    hear_requests(1);
    dlv.say(response(0, 1, good));
    hear_requests(2);
    dlv.say(response(0, 2, good));
    EXPECT_EQ(second.text, good);
}

TEST_F(dap_window_test, failures_have_words) {
    const std::pair<std::string, std::string> failures[] = {
        {",\"success\":false,\"message\":\"short\"}", "short"},
        {",\"success\":false,\"message\":\"short\",\"body\":{\"error\":{\"format\":\"\"}}}", "short"},
        {",\"success\":false,\"message\":\"short\",\"body\":{}}", "short"},
        {",\"success\":false}", "dlv refused without words"},
    };
    for (auto& [rest, words] : failures) {
        open();
        std::optional<dap_outcome> out;
        call("threads", out);
        hear_requests(1);
        dlv.say(response(0, 1, rest));
        ASSERT_TRUE(out) << rest;
        EXPECT_FALSE(out->success);
        EXPECT_EQ(out->error, words);
    }
}

TEST_F(dap_window_test, destroyed_it_hangs_up_and_says_nothing) {
    open();
    keeping_sink sink;
    window->stream("variables", json::object{}, sink);
    hear_requests(1);
    const auto wire = response(0, 1, ",\"success\":true,\"body\":\"" + std::string(500, 'x') + "\"}");
    dlv.say(wire.substr(0, wire.size() - 5));
    EXPECT_TRUE(sink.begun);
    window.reset();
    ASSERT_TRUE(run_until(io, [&] { return dlv.was_left(); }));
    EXPECT_FALSE(sink.over);
    EXPECT_TRUE(closed.empty());
}

}  // namespace
}  // namespace gateway
