// Random sessions at the hub, over a stand-in for dlv: clients of both protocols come and go, set breakpoints, run, step, pause
// and look, and what they were told is compared with a model after each step. The stand-in's program is known to the model, so it
// knows where each run ends.
//
// DELVEGATE_TEST_SEED runs one seed again, DELVEGATE_TEST_STEPS says how many steps.
#include <algorithm>
#include <cstdlib>

#include "tests/unit/gateway/hub_session.h"

namespace gateway {
namespace {

class random_session : public hub_session {
public:
    using hub_session::hub_session;

    void play(int steps) {
        for (int i = 0; i < steps && !::testing::Test::HasFailure() && !cut_short(); ++i) {
            deed();
            if (!::testing::Test::HasFailure() && !cut_short()) check();
        }
        if (!::testing::Test::HasFailure()) return;
        std::string text;
        for (std::size_t i = steps_.size() > 25 ? steps_.size() - 25 : 0; i < steps_.size(); ++i) text += steps_[i] + "\n";
        text += std::to_string(steps_.size()) + " steps; the hub: " + std::string(to_string(world_.session.now())) + ", stop " +
                std::to_string(world_.session.last_stop().number) + ", the model's " + std::to_string(model_.stop);
        for (const auto& m : model_.members) text += "\n" + m.name() + " was told of " + std::to_string(m.told) + ", waits for " + std::to_string(m.at->open.size());
        ADD_FAILURE() << steps_.front() << "\n" << text;
    }

private:
    // --- deeds ------------------------------------------------------------------------------------------------------

    void deed() {
        const auto able = model_.runners();
        switch (some(12)) {
            case 0: return model_.members.size() < 8 ? join() : leave();
            case 1: return model_.members.size() > 2 ? leave() : join();
            case 2:
            case 3: return change_breakpoint();
            case 4: return look();
            case 5: return untold_or_refused();
            case 6: return run_and_pause();
            case 7: return two_resumes();
            default:
                if (able.empty()) return learn();
                return run(*able[some(able.size())]);
        }
    }

    void run(member& m) {
        const bool inside = standin::script()[here().at].depth > 0;
        static const std::string commands[] = {"continue", "continue", "next", "step", "stepOut"};
        const auto& command = commands[some(inside ? 5 : 4)];
        note(m.name() + ": " + command);
        const bool endless = command == "continue" && !model_.anything_stops();
        if (endless) return run_and_pause_by(m, anybody());
        logs_of_members logs;
        const auto start = here();
        const auto end = model_.end_of(start, command, logs);
        model_.runs(m);
        const auto runs = world_.dlv.resumes();
        resume(m, command);
        const auto next = model_.stop + 1;
        wait("the run's end", [&] { return world_.session.now() == phase::stopped && world_.session.last_stop().number == next; });
        if (::testing::Test::HasFailure() || cut_short()) return;
        count_hits(start);
        EXPECT_GT(world_.dlv.resumes(), runs);
        EXPECT_EQ(here(), end) << "it stands at " << here().at << " of round " << here().round << ", and should at " << end.at << " of " << end.round;
        // A step that ends where a breakpoint is ends, to dlv, as the one or the other.
        const bool at_breakpoint = model_.stops_at(here()) && world_.session.last_stop().cause.reason != "step";
        EXPECT_TRUE(at_breakpoint || command != "continue");
        model_.stopped(here(), at_breakpoint);
        take_in(at_breakpoint ? "breakpoint" : "step");
        for (auto& one : model_.members)
            if (one.at->speaks_dap) logged(one, logs[&one]);
    }
    void logged(member& m, const std::vector<std::int64_t>& expected) { EXPECT_EQ(logs_of(m), expected) << m.name(); }

    void run_and_pause() {
        const auto able = model_.runners();
        if (able.empty()) return learn();
        run_and_pause_by(*able[some(able.size())], anybody());
    }
    // Whichever comes first: in the end it stands, or the pause came first and is asked again.
    void run_and_pause_by(member& m, member& other) {
        note(m.name() + " continues, " + other.name() + " pauses");
        model_.runs(m);
        const auto start = here();
        resume(m, "continue");
        if (some(2) == 0) wait("it runs", [&] { return world_.session.now() == phase::running || world_.session.last_stop().number > model_.stop; });
        if (!model_.anything_wanted()) meanwhile(m, other);
        for (int tries = 0;; ++tries) {
            const auto pausing = other.at->speaks_dap ? other.at->ask("pause", json::object{{"threadId", 1}})
                                                      : other.at->ask("Command", json::object{{"name", "halt"}});
            world_.answer(*other.at, pausing);
            wait("the run has begun", [&] { return world_.session.now() == phase::running || world_.session.last_stop().number > model_.stop; });
            if (world_.session.now() == phase::stopped || ::testing::Test::HasFailure() || cut_short() || tries > 20) break;
        }
        if (::testing::Test::HasFailure() || cut_short()) return;
        count_hits(start);
        EXPECT_EQ(world_.session.last_stop().number, model_.stop + 1);
        const auto reason = world_.session.last_stop().cause.reason;
        EXPECT_TRUE(reason == "pause" || model_.stops_at(here())) << reason;
        model_.stopped(here(), reason == "breakpoint");
        take_in(reason);
        // Its pause may have come before the run, and was answered with the stop before.
        if (!other.at->speaks_dap) {
            same_place(other, ask(other, "State", json::object{{"NonBlocking", true}}));
            model_.know(other);
        }
        for (auto& one : model_.members) logs_of(one);
    }

    // It runs, and nothing stops it: who comes, goes and looks halts nothing, and a breakpoint only for the moment.
    void meanwhile(const member& runner, const member& pauser) {
        wait("it runs", [&] { return world_.session.now() == phase::running; });
        for (auto left = some(4); left > 0 && !model_.anything_wanted() && !::testing::Test::HasFailure(); --left) {
            auto& m = anybody();
            switch (some(4)) {
                case 0:
                    if (model_.members.size() < 8) join(true);
                    break;
                case 1:
                    if (&m != &runner && &m != &pauser && model_.members.size() > 2) leave(m);
                    break;
                case 2: change_breakpoint(); break;
                default: look_while_it_runs(m); break;
            }
            EXPECT_EQ(world_.dlv.halted_by_attach(), 0) << "an attach halted the program";
        }
    }
    void look_while_it_runs(member& m) {
        note(m.name() + " looks while it runs");
        const auto answer = m.at->speaks_dap
                                ? ask(m, "stackTrace", json::object{{"threadId", 1}, {"startFrame", 0}, {"levels", 20}})
                                : ask(m, "Eval", json::object{{"Scope", json::object{{"GoroutineID", 1}, {"Frame", 0}}}, {"Expr", "n"}});
        EXPECT_NE(protocol::to_text(answer).find(m.at->speaks_dap ? "running" : "runs the program since"), std::string::npos)
            << protocol::to_text(answer);
    }

    // Both press F5 at once: the target is resumed once, and both are told of one stop.
    void two_resumes() {
        auto able = model_.runners();
        if (!model_.open()) std::erase_if(able, [&](auto* one) { return one->at->name != able.front()->at->name; });
        if (able.size() < 2 || !model_.anything_stops()) return look();
        std::shuffle(able.begin(), able.end(), random_);
        note(able[0]->name() + " and " + able[1]->name() + " continue at once");
        logs_of_members logs;
        const auto start = here();
        const auto end = model_.end_of(start, "continue", logs);
        resume(*able[0], "continue");
        resume(*able[1], "continue");
        const auto next = model_.stop + 1;
        wait("the run's end", [&] { return world_.session.now() == phase::stopped && world_.session.last_stop().number == next; });
        wait("all has arrived", [&] { return able[0]->at->quiet() && able[1]->at->quiet(); });
        if (::testing::Test::HasFailure() || cut_short()) return;
        count_hits(start);
        EXPECT_EQ(world_.session.last_stop().number, next) << "it was resumed twice";
        EXPECT_EQ(here(), end);
        model_.runs(*able[0]);
        // With open control the one whose request came first has run it.
        model_.stopped(here(), true);
        take_in("breakpoint");
        // Who was too late for the run is told of its end once more, where the IDE shows it running.
        wait("everybody has been told", [&] { return world_.session.turns().size() == 0 && able[0]->at->quiet() && able[1]->at->quiet(); });
        for (auto* one : {able[0], able[1]})
            if (one->at->speaks_dap) one->stops_seen = one->at->stops.size();
        for (auto& one : model_.members) logs_of(one);
    }

    void untold_or_refused() {
        for (auto& m : model_.members) {
            if (m.told != model_.stop && !m.at->speaks_dap) {
                note(m.name() + ", who does not know of this stop, continues");
                const auto was = here();
                same_place(m, ask(m, "Command", json::object{{"name", "continue"}}));
                EXPECT_EQ(here(), was);
                return model_.know(m);
            }
            if (m.told == model_.stop && !model_.may_run(m.at->name)) {
                note(m.name() + " may not run it");
                const auto was = here();
                const auto answer = m.at->speaks_dap ? ask(m, "next", json::object{{"threadId", 1}}) : ask(m, "Command", json::object{{"name", "next"}});
                EXPECT_TRUE(m.at->speaks_dap ? !answer.get_bool("success") : !answer.find("error")->is_null()) << protocol::to_text(answer);
                EXPECT_EQ(here(), was);
                return;
            }
        }
        learn();
    }

    void learn() {
        for (auto& m : model_.members)
            if (!m.at->speaks_dap) {
                same_place(m, ask(m, "State", json::object{{"NonBlocking", true}}));
                model_.know(m);
            }
    }

    void look() {
        auto& m = anybody();
        note(m.name() + " looks");
        if (m.at->speaks_dap) {
            const auto stack = ask(m, "stackTrace", json::object{{"threadId", 1}, {"startFrame", 0}, {"levels", 20}});
            ASSERT_TRUE(stack.get_bool("success")) << protocol::to_text(stack);
            const auto& frame = stack.find("body")->find("stackFrames")->if_array()->front();
            EXPECT_EQ(frame.get_int("line"), standin::script()[here().at].line);
            const auto n = ask(m, "evaluate", json::object{{"expression", "n"}, {"frameId", frame.get_int("id")}, {"context", "watch"}});
            ASSERT_TRUE(n.get_bool("success")) << protocol::to_text(n);
            EXPECT_EQ(n.find("body")->get_string("result"), std::to_string(here().round));
            return;
        }
        const auto answer = ask(m, "Eval", json::object{{"Scope", json::object{{"GoroutineID", 1}, {"Frame", 0}}}, {"Expr", "n"}});
        if (m.told != model_.stop && m.knows_some) {
            EXPECT_NE(answer.get_string("error").find("the program has moved"), std::string_view::npos) << protocol::to_text(answer);
            return model_.know(m);
        }
        ASSERT_TRUE(answer.find("result") && answer.find("result")->is_object()) << protocol::to_text(answer);
        EXPECT_EQ(answer.find("result")->find("Variable")->get_string("value"), std::to_string(here().round));
    }

    // --- after each -------------------------------------------------------------------------------------------------

    void check() {
        wait("all is quiet", [&] { return std::all_of(model_.members.begin(), model_.members.end(), [](auto& m) { return m.at->quiet(); }); });
        EXPECT_EQ(world_.session.now(), phase::stopped);
        EXPECT_EQ(world_.session.last_stop().number, model_.stop);
        EXPECT_FALSE(world_.dlv.running());
        EXPECT_EQ(world_.dlv.halted_by_attach(), 0) << "an attach halted the program";
        EXPECT_EQ(lines_there(), model_.lines());
        for (auto& m : model_.members) {
            EXPECT_TRUE(m.at->open.empty()) << m.name() << " has " << m.at->open.size() << " requests without an answer";
            EXPECT_EQ(m.at->doubled, 0) << m.name();
            EXPECT_FALSE(m.at->was_ended()) << m.name();
            EXPECT_EQ(m.at->stops.size(), m.stops_seen) << m.name() << " was told of a stop that is none";
        }
    }
};

int steps() {
    const char* text = std::getenv("DELVEGATE_TEST_STEPS");
    return text ? std::atoi(text) : 150;
}

void play(bool open) {
    if (const char* text = std::getenv("DELVEGATE_TEST_SEED")) return random_session(static_cast<unsigned>(std::atoi(text)), open).play(steps());
    for (unsigned seed = 1; seed <= 3 && !::testing::Test::HasFailure(); ++seed) random_session(seed, open).play(steps());
}

TEST(HubRandom, WithTheBaton) { play(false); }
TEST(HubRandom, OpenToAll) { play(true); }

}  // namespace
}  // namespace gateway
