// The list of sessions that is told again and again: who gets it, how many do, and who is cut off.
#include "gateway/sessions_feed.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "auth/policy_file.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using protocol::json;

struct listener {
    std::vector<json> lines;
    std::vector<http_answer> answers;
    bool here = true, over = false, cut = false;
    std::size_t unsent = 0;
};

class SessionsFeed : public testing::Test {
protected:
    SessionsFeed() {
        component_config app, web;
        app.name = "app";
        web.name = "web";
        app.how = web.how = component_config::kind::connect;
        configuration.components = {app, web};
        rights = std::make_unique<permissions>(std::string(), configuration.components);
        components = std::make_unique<endpoints>(io, configuration, *rights, refused);
        configuration.bounds.followers = 5;
        configuration.bounds.followers_per_user = 4;
        feed = std::make_unique<sessions_feed>(io, *components, *rights, configuration.bounds, turned_away);
        allow("bindings:\n  - {role: observer, users: [alice, bob], components: [app]}\n  - {role: admin, users: [carol], components: [\"*\"]}\n");
    }

    void allow(const std::string& text) {
        auto read = auth::parse_policy(text + "...\n", "policy.yaml");
        ASSERT_TRUE(read) << read.error();
        rights->replace(*read);
    }

    std::shared_ptr<listener> ask(const std::string& user, const std::string& path = "/v1/sessions/follow", const std::string& method = "GET") {
        auto to = std::make_shared<listener>();
        caller who;
        who.who.user = user;
        api_stream stream{[to](const http_answer& said) { to->answers.push_back(said); },
                          [to](const json& line) { to->lines.push_back(line); },
                          [to] { to->over = true; },
                          [](const auto&) {},
                          [to] { return to->here; },
                          [to] { return to->unsent; },
                          [to] { to->cut = true; }};
        feed->handle(who, {method, path, {}}, std::move(stream));
        return to;
    }

    static std::vector<std::string> named(const json& answer) {
        std::vector<std::string> out;
        for (const auto& one : *answer.find("components")->if_array()) out.emplace_back(one.get_string("component"));
        return out;
    }
    void wait() {
        io.restart();
        io.run_for(600ms);
    }

    boost::asio::io_context io;
    config configuration;
    std::uint64_t refused = 0;
    std::unique_ptr<permissions> rights;
    std::unique_ptr<endpoints> components;
    std::uint64_t turned_away = 0;
    std::unique_ptr<sessions_feed> feed;
};

TEST_F(SessionsFeed, shows_what_one_may_observe) {
    const auto alice = ask("alice", "/v1/sessions"), carol = ask("carol", "/v1/sessions"), nobody = ask("mallory", "/v1/sessions");
    ASSERT_EQ(alice->answers.size(), 1u);
    EXPECT_EQ(named(*protocol::parse_json(alice->answers[0].body)), std::vector<std::string>{"app"});
    EXPECT_EQ(named(*protocol::parse_json(carol->answers[0].body)), (std::vector<std::string>{"app", "web"}));
    EXPECT_EQ(nobody->answers[0].status, 403u);
    EXPECT_EQ(ask("alice", "/v1/sessions", "POST")->answers[0].status, 405u);
    EXPECT_EQ(named(feed->of_node()), (std::vector<std::string>{"app", "web"}));
}

TEST_F(SessionsFeed, tells_only_what_is_otherwise_and_by_the_policy_of_now) {
    const auto alice = ask("alice");
    ASSERT_EQ(alice->lines.size(), 1u);
    wait();
    EXPECT_EQ(alice->lines.size(), 1u);
    allow("bindings: [{role: observer, users: [alice], components: [\"*\"]}]\n");
    wait();
    ASSERT_EQ(alice->lines.size(), 2u);
    EXPECT_EQ(named(alice->lines[1]), (std::vector<std::string>{"app", "web"}));
    allow("bindings: []\n");
    wait();
    ASSERT_EQ(alice->lines.size(), 3u);
    EXPECT_EQ(alice->lines[2].get_string("code"), "forbidden");
    EXPECT_TRUE(alice->over);
    wait();
    EXPECT_EQ(alice->lines.size(), 3u);
}

TEST_F(SessionsFeed, tells_pages_when_the_gateways_own_certificate_ends) {
    const long long now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    lifetime good{now - 1000, now + 5000};
    feed->own_certificate = [&] { return std::optional(good); };
    const auto page = ask("alice", "/v1/events"), other = ask("alice");
    ASSERT_EQ(page->lines.size(), 1u);
    ASSERT_NE(page->lines[0].find("gateway"), nullptr);
    EXPECT_FALSE(page->lines[0].find("gateway")->get_bool("certificateWarning", true));
    EXPECT_EQ(other->lines[0].find("gateway"), nullptr);
    wait();
    EXPECT_EQ(page->lines.size(), 1u);
    good = {now - 1000, now + 100};
    wait();
    ASSERT_EQ(page->lines.size(), 2u);
    EXPECT_TRUE(page->lines[1].find("gateway")->get_bool("certificateWarning"));
    EXPECT_NE(page->lines[1].find("gateway")->get_string("certificateEnds"), page->lines[0].find("gateway")->get_string("certificateEnds"));
}

TEST_F(SessionsFeed, tells_pages_whose_audit_they_are_told_and_no_other) {
    const auto told_of = [](const listener& page) {
        std::vector<std::string> out;
        for (const auto& line : page.lines)
            if (const auto* records = line.find("audit"))
                for (const auto& one : *records->if_array()) out.emplace_back(one.get_string("component", "-"));
        return out;
    };
    const auto audited = [](const json& state) {
        std::vector<std::string> out;
        if (state.find("you")->get_bool("audit")) out.emplace_back("-");
        for (const auto& one : *state.find("components")->if_array())
            for (const auto& may : *one.find("may")->if_array())
                if (may.if_string() && *may.if_string() == "audit") out.emplace_back(one.get_string("component"));
        return out;
    };
    const auto record = [&] {
        for (const char* component : {"app", "web", "nothing", ""}) {
            audit_glimpse seen;
            seen.kind = "session";
            seen.component = component;
            feed->recorded(seen);
        }
    };
    using names = std::vector<std::string>;
    const auto alice = ask("alice", "/v1/events"), carol = ask("carol", "/v1/events");
    EXPECT_EQ(audited(alice->lines.at(0)), names{});
    EXPECT_EQ(audited(carol->lines.at(0)), (names{"-", "app", "web"}));
    record();
    wait();
    EXPECT_EQ(told_of(*alice), names{});
    EXPECT_EQ(told_of(*carol), (names{"app", "web", "nothing", "-"}));
    carol->lines.clear();
    allow("bindings:\n  - {role: admin, users: [carol], components: [app]}\n  - {role: debugger, users: [carol], components: [web]}\n");
    record();
    wait();
    ASSERT_EQ(carol->lines.size(), 2u);
    EXPECT_EQ(audited(carol->lines[0]), names{"app"}) << "and before any record that is told by it";
    EXPECT_EQ(told_of(*carol), names{"app"});
    // Whose sessions are not to be seen, nothing is told of.
    carol->lines.clear();
    allow("roles:\n  - {name: blind, classes: [lifecycle]}\n"
          "bindings:\n  - {role: observer, users: [carol], components: [web]}\n  - {role: blind, users: [carol], components: [app]}\n");
    record();
    wait();
    ASSERT_EQ(carol->lines.size(), 1u);
    EXPECT_EQ(audited(carol->lines[0]), names{});
}

TEST_F(SessionsFeed, has_few_places_and_fewer_for_one) {
    std::vector<std::shared_ptr<listener>> all;
    for (std::size_t i = 0; i < configuration.bounds.followers_per_user; ++i) all.push_back(ask("alice"));
    EXPECT_EQ(ask("alice")->answers.at(0).status, 429u);
    EXPECT_TRUE(ask("bob")->answers.empty());
    EXPECT_EQ(ask("carol")->answers.at(0).status, 429u);
    EXPECT_EQ(turned_away, 2u);
    all.front()->here = false;
    EXPECT_TRUE(ask("carol")->answers.empty());
}

TEST_F(SessionsFeed, tells_all_of_many_once) {
    configuration.bounds.followers = configuration.bounds.followers_per_user = 100;
    std::vector<std::shared_ptr<listener>> all;
    for (int i = 0; i < 100; ++i) all.push_back(ask("alice"));
    allow("bindings:\n  - {role: observer, users: [alice], components: [app, web]}\n");
    all[40]->here = false;
    wait();
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i]->lines.size(), i == 40 ? 1u : 2u) << i;
    EXPECT_EQ(ask("alice")->answers.size(), 0u) << "the place of who is gone";
    EXPECT_EQ(ask("alice")->answers.at(0).status, 429u);
}

TEST_F(SessionsFeed, cuts_off_who_does_not_read) {
    const auto slow = ask("alice"), quick = ask("bob");
    slow->unsent = sessions_feed::most_unsent + 1;
    wait();
    EXPECT_TRUE(slow->cut);
    EXPECT_FALSE(quick->cut);
    EXPECT_EQ(slow->lines.size(), 1u);
}

TEST_F(SessionsFeed, ends_for_everybody_with_the_gateway) {
    const auto alice = ask("alice");
    feed->close();
    ASSERT_EQ(alice->lines.size(), 2u);
    EXPECT_EQ(alice->lines[1].get_string("code"), "draining");
    EXPECT_TRUE(alice->over);
    wait();
    EXPECT_EQ(alice->lines.size(), 2u);
}

}  // namespace
}  // namespace gateway
