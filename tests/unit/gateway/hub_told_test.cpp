// Where there are many, who does not drive is told a little later, and of everything all the same.
#include <gtest/gtest.h>

#include "tests/unit/gateway/hub_world.h"

namespace gateway {
namespace {

struct told : testing::Test {
    world here{1, hub_settings{.breakpoint_grace = std::chrono::milliseconds(0), .baton = {.open = true}}};

    told() {
        for (int n = 0; n < 20; ++n) here.join("dave", false);
    }

    json ask(ide& one, std::string_view what, json arguments = json::object{}) { return here.answer(one, one.ask(what, std::move(arguments))); }

    ide& vscode(const std::string& who) {
        auto& one = here.join(who, true);
        ask(one, "initialize", json::object{{"clientID", "vscode"}, {"adapterID", "go"}, {"pathFormat", "path"},
                                            {"linesStartAt1", true}, {"columnsStartAt1", true}});
        ask(one, "attach", json::object{{"mode", "remote"}, {"request", "attach"}, {"stopOnEntry", true}});
        ask(one, "configurationDone");
        here.until("it is told where it stands", [&] { return one.stops.size() == 1; });
        return one;
    }
    // alice's step has ended, and bob has not been told: she is about to look.
    void stepped(ide& alice, const ide& bob) {
        alice.ask("next", json::object{{"threadId", 1}});
        here.until("alice is told", [&] { return alice.stops.size() == 2; });
        ASSERT_EQ(bob.stops.size(), 1u);
        ASSERT_GT(here.session.turns().size(), 0u);
    }
};

TEST_F(told, who_does_not_drive_when_the_driver_has_looked) {
    auto& alice = vscode("alice");
    auto& bob = vscode("bob");
    stepped(alice, bob);
    here.until("bob is told", [&] { return bob.stops.size() == 2; });
}

TEST_F(told, at_once_who_pauses_what_stands_already) {
    auto& alice = vscode("alice");
    auto& bob = vscode("bob");
    stepped(alice, bob);
    EXPECT_TRUE(ask(bob, "pause", json::object{{"threadId", 1}}).get_bool("success"));
    here.until("bob is told", [&] { return bob.stops.size() == 2; });
    here.until("nobody is told anything more", [&] { return here.session.turns().size() == 0 && alice.quiet() && bob.quiet(); });
    EXPECT_EQ(bob.stops.size(), 2u) << "once";
}

TEST_F(told, of_each_stop_in_order_when_the_driver_does_not_wait) {
    auto& alice = vscode("alice");
    auto& bob = vscode("bob");
    stepped(alice, bob);
    for (std::size_t n = 3; n < 6; ++n) {
        alice.ask("next", json::object{{"threadId", 1}});
        here.until("alice is told", [&] { return alice.stops.size() == n; });
    }
    here.until("bob is told", [&] { return bob.stops.size() == 5; });
}

}  // namespace
}  // namespace gateway
