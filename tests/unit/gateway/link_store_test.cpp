// Broken links at the gateway: who may go on with them, for how long, and what they may cost.
#include "gateway/link_store.h"

#include <fstream>
#include <iterator>

#include "gateway/audit_trail.h"
#include "gateway/authority.h"
#include "gateway/tls_server.h"
#include "tests/unit/gateway/hand_link.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

class link_store_test : public testing::Test {
protected:
    void serve() {
        auth::client_ca issuer;
        issuer.file = ca.ca() + "/ca.crt";
        identities.trust(*auth::trust::of({*auth::trusted_ca::load(issuer)}));
        parts.identities = &identities;
        auto context = auth::make_server_context(ca.gateway(), identities.slot());
        ASSERT_TRUE(context) << context.error();
        server.emplace(parts, std::move(*context));
        ASSERT_TRUE(server->listen({{"127.0.0.1", 0}}));
        where = server->addresses().at(0);
    }
    SSL_CTX* as(const std::string& user, const std::vector<std::string>& groups = {}) {
        auto& context = contexts[user + std::to_string(groups.size())];
        if (!context) context = authority::client_context(ca.person(user, groups));
        return context.get();
    }
    std::unique_ptr<hand_link> link(SSL_CTX* whose, bool resumes = true) {
        return std::make_unique<hand_link>(io, where, whose, resumes);
    }
    // alice's, with a stream that has said "hello" and heard it.
    std::unique_ptr<hand_link> talking(bool resumes = true) {
        auto laptop = link(as("alice"), resumes);
        laptop->open(1, "app");
        laptop->data(1, "hello");
        EXPECT_TRUE(until([&] { return laptop->streams[1] == "hello"; }));
        return laptop;
    }
    std::unique_ptr<hand_link> broken() {
        const std::size_t before = server->kept().links();
        auto laptop = talking();
        laptop->channel->abort();
        EXPECT_TRUE(until([&] { return server->kept().links() == before + 1 && server->connections() == 0; }));
        return laptop;
    }
    std::unique_ptr<hand_link> back(const hand_link& from, const std::vector<stream_place>& places) {
        auto laptop = link(as("alice"));
        laptop->resume(from, places);
        EXPECT_TRUE(until([&] { return laptop->resumed() != nullptr || laptop->has_ended; }));
        return laptop;
    }
    static std::string refusal(hand_link& laptop) {
        if (!laptop.resumed() || laptop.resumed()->get_bool("ok", true)) return {};
        return std::string(laptop.resumed()->get_string("reason"));
    }
    bool until(const std::function<bool()>& done) { return run_until(io, done); }
    std::string& heard() { return components.heard["app"]; }

    const std::vector<stream_place> five{place(1, 5)};
    authority ca;
    boost::asio::io_context io{1};
    client_authority identities{io};
    limits bounds;
    counters counts;
    fake_directory components;
    gateway_parts parts{io, components, bounds, counts, {}, {"app"}, false};
    std::optional<tls_server> server;
    tcp::endpoint where;
    std::map<std::string, auth::ssl_ctx> contexts;
};

TEST_F(link_store_test, a_broken_link_goes_on_where_it_stopped) {
    serve();
    const auto first = broken();
    EXPECT_EQ(first->controls[frame_type::hello].at(0).second.get_int("keepSeconds"), 600);
    EXPECT_EQ(first->token().size(), 32u);
    components.last->say(" meanwhile");
    const auto second = back(*first, five);
    ASSERT_TRUE(second->resumed());
    EXPECT_EQ(protocol::to_text(*second->resumed()), R"({"ok":true,"streams":[{"stream":1,"received":5}]})");
    second->data(1, " again");
    ASSERT_TRUE(until([&] { return second->streams[1].ends_with("again"); }));
    EXPECT_EQ(second->streams[1], "hello meanwhile again");
    EXPECT_EQ(heard(), "hello<down><up> again");
    EXPECT_EQ(server->kept().links(), 0u);
    EXPECT_EQ(counts.resumed_links, 1u);
    EXPECT_EQ(components.opens, 1);
    // And once more, by the same token, with a stream of its own besides.
    second->open(3, "app");
    second->data(3, "x");
    ASSERT_TRUE(until([&] { return second->streams[3] == "x"; }));
    second->channel->abort();
    ASSERT_TRUE(until([&] { return server->kept().streams() == 2; }));
    const auto third = link(as("alice"));
    third->resume(*first, {place(1, 21), place(3, 1)});
    ASSERT_TRUE(until([&] { return third->resumed() != nullptr; }));
    EXPECT_TRUE(third->resumed()->get_bool("ok"));
}

TEST_F(link_store_test, what_was_lost_with_the_link_is_sent_again) {
    serve();
    const auto first = talking();
    components.last->say(" lost");
    first->channel->abort();  // before it could arrive
    ASSERT_TRUE(until([&] { return server->kept().links() == 1; }));
    const auto second = back(*first, five);
    ASSERT_TRUE(until([&] { return second->streams[1] == "hello lost"; })) << second->streams[1];
}

TEST_F(link_store_test, the_verdict_is_told_again_to_whom_it_did_not_reach) {
    serve();
    const auto first = broken();
    const auto second = back(*first, {place(1, 0, true)});
    ASSERT_TRUE(until([&] { return second->streams[1] == "hellohello"; }));  // the test's own account keeps the first
    EXPECT_TRUE(second->controls[frame_type::verdict].at(0).second.get_bool("ok"));
    EXPECT_EQ(second->controls[frame_type::verdict].at(0).second.get_string("session"), "s1");
}

TEST_F(link_store_test, a_link_is_only_for_whom_it_belongs_to) {
    serve();
    const auto first = broken();
    for (SSL_CTX* other : {as("bob"), as("alice", {"admins"})}) {
        const auto thief = link(other);
        thief->resume(*first, five);
        ASSERT_TRUE(until([&] { return thief->resumed() != nullptr; }));
        EXPECT_NE(refusal(*thief), "");
        // Not a word that tells it from a token that nobody has.
        const auto guess = link(other);
        guess->control(frame_type::resume, 0, json::object{{"link", "00"}, {"streams", json::array{}}});
        ASSERT_TRUE(until([&] { return guess->resumed() != nullptr; }));
        EXPECT_EQ(refusal(*guess), refusal(*thief));
        EXPECT_EQ(guess->resumed()->get_string("code"), "unknown");
        EXPECT_EQ(thief->resumed()->get_string("code"), "unknown");
    }
    EXPECT_EQ(heard(), "hello<down>");
    EXPECT_TRUE(back(*first, five)->resumed()->get_bool("ok"));
}

TEST_F(link_store_test, nobody_takes_a_link_that_is_up_from_somebody_else) {
    serve();
    const auto first = talking();
    const auto thief = link(as("bob"));
    thief->resume(*first, five);
    ASSERT_TRUE(until([&] { return thief->resumed() != nullptr; }));
    EXPECT_NE(refusal(*thief), "");
    first->data(1, " still");
    ASSERT_TRUE(until([&] { return first->streams[1] == "hello still"; }));
}

TEST_F(link_store_test, the_later_of_two_connections_with_one_token_has_it) {
    serve();
    const auto first = talking();
    const auto second = back(*first, five);  // the gateway has not seen the first one break
    EXPECT_TRUE(second->resumed()->get_bool("ok"));
    ASSERT_TRUE(until([&] { return (first->has_ended || first->is_closed) && server->connections() == 1; }));
    const auto third = back(*first, five);
    EXPECT_TRUE(third->resumed()->get_bool("ok"));
    ASSERT_TRUE(until([&] { return server->connections() == 1; }));
    third->data(1, "!");
    ASSERT_TRUE(until([&] { return third->streams[1] == "hello!"; }));
    EXPECT_EQ(heard(), "hello<down><up><down><up>!");
}

TEST_F(link_store_test, an_account_that_cannot_be_ends_the_link) {
    serve();
    const auto first = broken();
    const auto second = back(*first, {place(1, 6)});
    EXPECT_NE(refusal(*second).find("more of a stream than was sent"), std::string::npos) << refusal(*second);
    EXPECT_EQ(heard(), "hello<down><lost>");
    EXPECT_NE(refusal(*back(*first, five)), "");
}

TEST_F(link_store_test, a_resume_that_is_none_closes_the_connection_and_nothing_else) {
    serve();
    const auto first = broken();
    const auto broken_by = [&](const std::function<void(hand_link&)>& what) {
        const auto hostile = link(as("alice"));
        what(*hostile);
        return until([&] { return hostile->has_ended; }) && hostile->controls.contains(frame_type::goaway);
    };
    const json places = to_json(five);
    EXPECT_TRUE(broken_by([&](auto& l) { l.control(frame_type::resume, 0, json::object{{"link", first->token()}}); }));
    EXPECT_TRUE(broken_by([&](auto& l) {
        l.control(frame_type::resume, 0, json::object{{"link", first->token()}, {"streams", json::array{json(3)}}});
    }));
    EXPECT_TRUE(broken_by([&](auto& l) {
        std::string out;
        protocol::append_control(out, frame_type::resume, 0, json::object{{"link", first->token()}, {"streams", places}});
        out[7] = 1;  // of a stream; append_control() writes no such frame
        l.channel->send(out);
    }));
    EXPECT_TRUE(broken_by([&](auto& l) {  // not in place of the first OPEN
        l.open(1, "app");
        l.control(frame_type::resume, 0, json::object{{"link", first->token()}, {"streams", places}});
    }));
    EXPECT_TRUE(broken_by([&](auto& l) {  // twice
        for (int i = 0; i < 2; ++i)
            l.control(frame_type::resume, 0, json::object{{"link", "none"}, {"streams", json::array{}}});
    }));
    EXPECT_TRUE(back(*first, five)->resumed()->get_bool("ok"));
}

TEST_F(link_store_test, after_its_time_a_link_is_given_up_and_its_laptop_is_told_so) {
    bounds.resume_time = 50ms;
    serve();
    const auto first = talking();
    first->channel->abort();
    ASSERT_TRUE(until([&] { return heard() == "hello<down><lost>"; })) << heard();
    EXPECT_EQ(counts.given_up_links, 1u);
    EXPECT_EQ(server->kept().links(), 0u);
    const auto late = back(*first, five);
    EXPECT_NE(refusal(*late).find("limits.resumeTime"), std::string::npos);
    EXPECT_EQ(late->resumed()->get_string("code"), "") << "no other gateway would have it";
}

TEST_F(link_store_test, whoever_is_revoked_meanwhile_is_out) {
    serve();
    const auto first = broken();
    auth::revocations list;
    list.add_user("alice");
    identities.revoke_by_file(list);
    ASSERT_TRUE(until([&] { return heard().ends_with("<lost>"); }));
    EXPECT_EQ(server->kept().links(), 0u);
    const auto second = link(as("alice"));
    second->resume(*first, five);
    ASSERT_TRUE(until([&] { return second->has_ended || second->is_closed; }));
    EXPECT_EQ(second->resumed(), nullptr);
}

TEST_F(link_store_test, whose_sessions_are_killed_meanwhile_is_told_why) {
    serve();
    const auto first = broken();
    EXPECT_EQ(identities.expel_user("alice", "ended by carol"), 1u);
    ASSERT_TRUE(until([&] { return heard().ends_with("<lost>"); }));
    EXPECT_EQ(refusal(*back(*first, five)), "ended by carol");
}

TEST_F(link_store_test, so_many_of_one_user_are_kept) {
    bounds.resume_links = 2;
    serve();
    const auto oldest = broken();
    const auto second = broken();
    const auto third = talking();
    third->channel->abort();
    ASSERT_TRUE(until([&] { return counts.given_up_links == 1; }));
    EXPECT_EQ(server->kept().links(), 2u);
    EXPECT_NE(refusal(*back(*oldest, five)).find("limits.resumeLinks"), std::string::npos);
    EXPECT_TRUE(back(*second, five)->resumed()->get_bool("ok"));
    EXPECT_EQ(counts.limit_resume, 1u);
}

TEST_F(link_store_test, what_waits_for_all_of_them_is_bounded) {
    bounds.resume_buffer = 1u << 20;
    serve();
    const auto modest = broken();
    const auto greedy = broken();
    echo& talker = *components.last;
    talker.say(std::string(512 * 1024, 'x'));
    ASSERT_EQ(server->kept().links(), 2u);
    EXPECT_GT(server->kept().bytes(), 512u * 1024);
    talker.say(std::string(512 * 1024, 'x'));
    ASSERT_TRUE(until([&] { return server->kept().links() == 1; }));
    EXPECT_NE(refusal(*back(*greedy, five)).find("limits.resumeBuffer"), std::string::npos);
    EXPECT_TRUE(back(*modest, five)->resumed()->get_bool("ok"));
}

TEST_F(link_store_test, whoever_says_goodbye_is_not_waited_for) {
    serve();
    const auto laptop = talking();
    laptop->channel->shutdown(60s);
    ASSERT_TRUE(until([&] { return heard() == "hello<lost>"; })) << heard();
    EXPECT_EQ(server->kept().links(), 0u);
}

TEST_F(link_store_test, a_client_that_does_not_come_back_is_not_waited_for) {
    serve();
    const auto laptop = talking(false);
    laptop->channel->abort();
    ASSERT_TRUE(until([&] { return heard() == "hello<lost>"; })) << heard();
    EXPECT_EQ(refusal(*back(*laptop, five)).empty(), false);
}

TEST_F(link_store_test, a_silent_link_is_held) {
    bounds.ping_time = 20ms;
    serve();
    const auto laptop = talking();
    ASSERT_TRUE(until([&] { return server->kept().links() == 1; }));
    EXPECT_EQ(heard(), "hello<down>");
}

TEST_F(link_store_test, a_gateway_that_ends_keeps_nothing) {
    serve();
    const auto first = broken();
    bool drained = false;
    server->drain([&] { drained = true; });
    ASSERT_TRUE(until([&] { return drained; }));
    EXPECT_EQ(heard(), "hello<down><lost>");
}

TEST_F(link_store_test, the_place_of_a_link_that_is_taken_over_at_once_is_nobodys) {
    bounds.resume_links = 1;
    serve();
    const auto kept = broken();
    const auto up = talking();
    const auto again = back(*up, five);
    EXPECT_TRUE(again->resumed()->get_bool("ok"));
    EXPECT_EQ(counts.given_up_links, 0u);
    EXPECT_TRUE(back(*kept, five)->resumed()->get_bool("ok"));
}

TEST_F(link_store_test, groups_are_the_same_in_any_order) {
    serve();
    contexts["alice0"] = authority::client_context(ca.person("alice", {"ops", "dev"}));
    const auto first = broken();
    contexts["alice0"] = authority::client_context(ca.person("alice", {"dev", "ops"}));
    EXPECT_TRUE(back(*first, five)->resumed()->get_bool("ok"));
}

TEST_F(link_store_test, who_asks_for_somebody_elses_link_is_on_record) {
    temporary_directory directory;
    audit_config configuration;
    configuration.anchors = directory.path() + "/anchors.jsonl";
    auto trail = audit_trail::open(io, configuration, directory.path());
    ASSERT_TRUE(trail) << trail.error();
    parts.audit = trail->get();
    serve();
    const auto up = talking();
    const auto thief = link(as("bob"));
    thief->resume(*up, five);
    ASSERT_TRUE(until([&] { return thief->resumed() != nullptr; }));
    EXPECT_NE(refusal(*thief), "");
    (*trail)->close();
    std::ifstream in((*trail)->file());
    const std::string record{std::istreambuf_iterator<char>(in), {}};
    EXPECT_NE(record.find("asked to go on with a link of alice"), std::string::npos) << record;
    server.reset();
    parts.audit = nullptr;
}

}  // namespace
}  // namespace gateway
