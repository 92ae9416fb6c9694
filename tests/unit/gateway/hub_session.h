// A session at the hub that is played by hand or at random: its people, its model, and what they do that runs nothing.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/gateway/hub_model.h"
#include "tests/unit/gateway/hub_world.h"

namespace gateway {

class hub_session {
public:
    hub_session(unsigned seed, bool open)
        : world_(seed, hub_settings{.breakpoint_grace = std::chrono::milliseconds(0), .baton = {.open = open}}),
          random_(seed * 7919 + 1),
          model_(open) {
        note("seed " + std::to_string(seed));
        join();
        join();
    }

protected:
    void note(std::string text) {
        steps_.push_back(std::move(text));
        if (std::getenv("DELVEGATE_TEST_VERBOSE")) std::fprintf(stderr, "%zu %s\n", steps_.size(), steps_.back().c_str());
    }
    std::size_t some(std::size_t n) { return random_() % n; }
    member& anybody() { return *std::next(model_.members.begin(), static_cast<std::ptrdiff_t>(some(model_.members.size()))); }
    position here() const { return {world_.dlv.target().at(), world_.dlv.target().round()}; }
    json ask(member& m, std::string_view what, json arguments = json::object{}) {
        return world_.answer(*m.at, m.at->ask(what, std::move(arguments)));
    }
    void wait(const std::string& what, const std::function<bool()>& done) {
        EXPECT_TRUE(world_.goes_on_until([&] { return done() || cut_short(); })) << "in vain: " << what;
    }

    // The stop is told to everybody, once, with that reason and place.
    void take_in(const std::string& reason) {
        for (auto& m : model_.members) {
            if (m.at->speaks_dap) {
                wait(m.name() + " is told of the stop", [&] { return m.at->stops.size() > m.stops_seen; });
                if (::testing::Test::HasFailure()) return;
                EXPECT_EQ(m.at->stops[m.stops_seen].get_string("reason"), reason) << m.name();
                ++m.stops_seen;
            }
            for (const auto id : std::exchange(m.waiting, {})) {
                const auto answer = world_.answer(*m.at, id);
                if (m.at->speaks_dap) {
                    EXPECT_TRUE(answer.get_bool("success")) << m.name() << protocol::to_text(answer);
                    continue;
                }
                same_place(m, answer);
                model_.know(m);
            }
            if (m.at->speaks_dap) model_.know(m);
        }
    }
    void same_place(member& m, const json& reply) {
        const auto* result = reply.find("result");
        const auto* state = result ? result->find("State") : nullptr;
        const auto* thread = state ? state->find("currentThread") : nullptr;
        ASSERT_TRUE(thread) << m.name() << " got " << protocol::to_text(reply);
        EXPECT_EQ(thread->find("pc")->as_uint(), standin::pc_of(here().at)) << m.name();
    }

    void join(bool while_it_runs = false) {
        const auto& who = people[some(people.size())];
        const bool dap = some(2) == 0;
        model_.members.push_back({});
        auto& m = model_.members.back();
        m.at = &world_.join(who, dap);
        note(m.name() + " joins");
        if (!dap && while_it_runs) {
            const auto state = ask(m, "State", json::object{{"NonBlocking", true}});
            EXPECT_TRUE(state.find("result")->find("State")->get_bool("Running")) << protocol::to_text(state);
            return;
        }
        if (!dap) {
            same_place(m, ask(m, "State", json::object{{"NonBlocking", false}}));
            return model_.know(m);
        }
        const auto known = ask(m, "initialize", json::object{{"clientID", "vscode"}, {"adapterID", "go"}, {"pathFormat", "path"},
                                                            {"linesStartAt1", true}, {"columnsStartAt1", true}});
        EXPECT_TRUE(known.get_bool("success")) << protocol::to_text(known);
        const auto attached = ask(m, "attach", json::object{{"mode", "remote"}, {"request", "attach"}, {"stopOnEntry", true}});
        EXPECT_TRUE(attached.get_bool("success")) << protocol::to_text(attached);
        ask(m, "configurationDone");
        if (while_it_runs) return;
        wait("it is told where it stands", [&] { return m.at->stops.size() == 1; });
        m.stops_seen = 1;
        model_.know(m);
    }

    void leave() { leave(anybody()); }
    void leave(const member& m) {
        note(m.name() + " leaves");
        const auto who = m.at->name;
        const auto* gone = m.at;
        m.at->leave();
        model_.members.remove_if([&](auto& one) { return one.at == gone; });
        std::erase_if(world_.everybody, [&](auto& one) { return one.get() == gone; });
        model_.left(who);
        // Grace is nothing here: what it wanted goes.
        wait("its breakpoints are gone", [&] {
            const auto& all = world_.session.breakpoints().all();
            return lines_there() == model_.lines() && std::all_of(all.begin(), all.end(), [](auto& one) { return one.second.owner != nullptr; });
        });
    }

    std::set<std::int64_t> lines_there() const {
        std::set<std::int64_t> out;
        const json list = world_.dlv.target().breakpoints();
        for (const auto& b : *list.if_array()) out.insert(b.get_int("line"));
        return out;
    }
    void change_breakpoint() {
        auto& m = anybody();
        const auto at = lines_with_breakpoints[some(std::size(lines_with_breakpoints))];
        const auto line = standin::script()[at].line;
        const bool had = m.points.contains(at);
        wanted w{conditions[some(conditions.size())], m.at->speaks_dap && some(3) == 0, 0};
        if (had && some(2) == 0) {
            note(m.name() + " clears " + std::to_string(line));
            if (!m.at->speaks_dap) {
                const auto cleared = ask(m, "ClearBreakpoint", json::object{{"Id", m.points[at].id}});
                EXPECT_TRUE(cleared.find("error")->is_null()) << protocol::to_text(cleared);
            }
            m.points.erase(at);
        } else if (!had || m.at->speaks_dap) {
            note(m.name() + (w.logs ? " logs " : " sets ") + std::to_string(line) + " if " + w.condition);
            if (!m.at->speaks_dap) {
                json b = json::object{{"file", std::string(standin::file)}, {"line", line}, {"Cond", w.condition}};
                const auto made = ask(m, "CreateBreakpoint", json::object{{"Breakpoint", std::move(b)}});
                ASSERT_TRUE(made.find("error")->is_null()) << protocol::to_text(made);
                w.id = made.find("result")->find("Breakpoint")->get_int("id");
            }
            m.points[at] = w;
        }
        if (m.at->speaks_dap) send_breakpoints(m);
    }

    void send_breakpoints(member& m) {
        json::array all;
        for (const auto& [at, w] : m.points) {
            json one = json::object{{"line", standin::script()[at].line}, {"condition", w.condition}};
            if (w.logs) one.set("logMessage", "passed {n}");
            all.push_back(std::move(one));
        }
        const auto expected = all.size();
        const auto set = ask(m, "setBreakpoints", json::object{{"source", json::object{{"path", std::string(standin::file)}}}, {"breakpoints", std::move(all)}});
        ASSERT_TRUE(set.get_bool("success")) << protocol::to_text(set);
        const auto& shown = *set.find("body")->find("breakpoints")->if_array();
        EXPECT_EQ(shown.size(), expected);
        for (const auto& one : shown) EXPECT_TRUE(one.get_bool("verified")) << protocol::to_text(set);
    }

    void resume(member& m, const std::string& command) {
        if (m.at->speaks_dap)
            m.waiting.push_back(m.at->ask(command == "step" ? "stepIn" : command, json::object{{"threadId", 1}}));
        else
            m.waiting.push_back(m.at->ask("Command", json::object{{"name", command}}));
    }

    // The hub switches off what keeps the program from running (hit_rate.h): up to a hundred hits in three seconds are
    // few enough. On a machine that is slow all the same, the session ends where that happens.
    void count_hits(position from) {
        while (from != here()) {
            from.advance();
            if (model_.costs(from.at)) hits_.push_back(std::chrono::steady_clock::now());
        }
        while (!hits_.empty() && std::chrono::steady_clock::now() - hits_.front() > std::chrono::seconds(3)) hits_.pop_front();
        if (hits_.size() > 90) std::this_thread::sleep_until(hits_[hits_.size() - 80] + std::chrono::seconds(3));
    }
    bool cut_short() const {
        const auto& all = world_.session.breakpoints().all();
        return std::any_of(all.begin(), all.end(), [](auto& one) { return !one.second.off_because.empty(); });
    }

    std::vector<std::int64_t> logs_of(member& m) {
        std::vector<std::int64_t> out;
        for (; m.logs_seen < m.at->outputs.size(); ++m.logs_seen) {
            const auto& text = m.at->outputs[m.logs_seen];
            const auto found = text.find("passed ");
            if (found != text.npos) out.push_back(std::strtoll(text.c_str() + found + 7, nullptr, 10));
        }
        return out;
    }

    world world_;
    std::mt19937 random_;
    hub_model model_;
    std::vector<std::string> steps_;
    std::deque<std::chrono::steady_clock::time_point> hits_;
};

}  // namespace gateway
