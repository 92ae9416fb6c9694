// The hub with raw views of both protocols and a stand-in for dlv, all in one loop: people's requests and what they are told
// cross in any order, and nothing takes time.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/dap_view.h"
#include "gateway/hub.h"
#include "gateway/permissions.h"
#include "gateway/rpc_view.h"
#include "protocol/dap.h"
#include "protocol/rpc.h"
#include "tests/support/standin/dlv.h"
#include "tests/unit/gateway/loop.h"

namespace gateway {

using protocol::json;

inline const std::vector<std::string> people{"alice", "bob", "carol", "dave"};

inline std::vector<component_config> one_component() {
    component_config app;
    app.name = "app";
    app.users = people;
    return {app};
}

// Somebody's IDE. What is said on either side arrives when deliver() is called.
class ide : public stream_peer {
public:
    ide(hub& of, const permissions& rights, std::string who, bool dap) : name(std::move(who)), speaks_dap(dap) {
        auth::identity identity;
        identity.user = name;
        caller from{.who = identity, .address = "192.0.2.7:50312", .client = "test", .paths = {}};
        if (dap) {
            auto made = std::make_shared<dap_view>(of, rights, *this, std::move(from), view_limits{}, "session");
            view_ = made;
            made->start();
        } else {
            auto made = std::make_shared<rpc_view>(of, rights, *this, std::move(from), view_limits{}, "session");
            view_ = made;
            made->start();
        }
    }
    ~ide() override { leave(); }

    void leave() {
        if (std::exchange(gone_, true)) return;
        view_->close();
    }
    bool was_ended() const { return ended_; }

    // --- the IDE's side -----------------------------------------------------------------------------------------

    std::int64_t ask(std::string_view what, json arguments = json::object{}) {
        const auto id = ++last_;
        open.insert(id);
        if (speaks_dap) {
            outgoing_.emplace_back(protocol::encode(protocol::dap_request{id, std::string(what), std::move(arguments)}), 0);
        } else {
            outgoing_.emplace_back(protocol::encode(protocol::rpc_request{json(id), "RPCServer." + std::string(what), std::move(arguments)}), 0);
        }
        return id;
    }
    bool answered(std::int64_t id) const { return answers.contains(id); }
    bool quiet() const { return outgoing_.empty() && incoming_.empty(); }
    // One piece, one way or the other. Returns whether there was any.
    bool deliver(bool up) {
        if (up && !outgoing_.empty()) {
            auto [bytes, heard] = std::move(outgoing_.front());
            outgoing_.pop_front();
            if (bytes.empty()) delivered_ = heard;
            else if (!gone_ && !ended_) view_->received(bytes);
            return true;
        }
        if (!up && !incoming_.empty()) {
            auto bytes = std::move(incoming_.front());
            incoming_.pop_front();
            heard_ += bytes.size();
            outgoing_.emplace_back(std::string(), heard_);
            hear(bytes);
            return true;
        }
        return false;
    }

    const std::string name;
    const bool speaks_dap;
    std::set<std::int64_t> open;             // asked and not answered
    std::map<std::int64_t, json> answers;    // DAP: the response; JSON-RPC: the reply
    int doubled = 0;                         // answers to what nobody has asked
    std::vector<json> stops;                 // bodies of `stopped`
    std::vector<std::string> outputs;

    // --- the carrier's side -------------------------------------------------------------------------------------

    void send(std::string_view bytes) override {
        if (gone_) return;
        sent_ += bytes.size();
        incoming_.emplace_back(bytes);
    }
    std::size_t unsent() const override { return 0; }
    std::uint64_t sent() const override { return sent_; }
    std::uint64_t delivered() const override { return delivered_; }
    void consumed(std::size_t) override {}
    void finish() override { ended_ = true; }
    void abort(std::string_view) override { ended_ = true; }

private:
    void hear(std::string_view bytes) {
        if (speaks_dap) {
            frames_.feed(bytes);
            boost::system::error_code ec;
            while (auto body = frames_.next(ec)) take(*protocol::parse_json(*body, {.max_depth = 512, .fold_keys = false}));
            EXPECT_FALSE(ec);
            return;
        }
        line_ += bytes;
        for (auto end = line_.find('\n'); end != line_.npos; end = line_.find('\n')) {
            auto value = protocol::parse_json(line_.substr(0, end), {.max_depth = 512, .fold_keys = false});
            ASSERT_TRUE(value) << line_.substr(0, 300);
            answer(value->get_int("id"), *value);
            line_.erase(0, end + 1);
        }
    }
    void take(const json& message) {
        if (message.get_string("type") == "response") return answer(message.get_int("request_seq"), message);
        const auto* body = message.find("body");
        if (message.get_string("event") == "stopped") stops.push_back(*body);
        if (message.get_string("event") == "output") outputs.emplace_back(body->get_string("output"));
    }
    void answer(std::int64_t id, const json& with) {
        if (open.erase(id) == 0) ++doubled;
        answers[id] = with;
    }

    std::shared_ptr<view_base> view_;
    std::int64_t last_ = 0;
    std::deque<std::pair<std::string, std::uint64_t>> outgoing_;  // requests; and, of no bytes, what has been heard by then
    std::deque<std::string> incoming_;
    std::uint64_t sent_ = 0, heard_ = 0, delivered_ = 0;
    bool gone_ = false, ended_ = false;
    std::string line_;
    protocol::frame_decoder frames_{64u << 20};
};

struct world {
    explicit world(unsigned seed, hub_settings settings)
        : random(seed), dlv(io, directory.path() + "/dlv.sock", seed), rights("", one_component()), session(io, "app", settings) {
        bool ready = false;
        session.attach(dlv.address(), true, [&](const std::string& why) {
            EXPECT_EQ(why, "");
            ready = true;
        });
        until("the hub is there", [&] { return ready; });
    }
    ~world() {
        everybody.clear();
        session.detach("the end");
        io.restart();
        for (int i = 0; i < 1000 && io.poll_one() > 0; ++i) {  // the program may run for ever
        }
    }

    // Goes on, everything in any order, until `done`; false after so many turns that it never will be.
    bool goes_on_until(const std::function<bool()>& done) {
        for (int idle = 0, turns = 0; turns < 400'000; ++turns) {
            if (done()) return true;
            bool moved = false;
            if (!everybody.empty() && random() % 2 == 0) {
                auto& one = everybody[random() % everybody.size()];
                moved = one->deliver(random() % 2 == 0);
            }
            io.restart();
            if (!moved) moved = io.poll_one() > 0;
            if (moved) idle = 0;
            // Nothing to do: a timer, which is real, or the end.
            else if (++idle > 200) {
                io.run_one_for(std::chrono::milliseconds(5));
                if (idle > 1200) return done();
            }
        }
        return done();
    }
    void until(const std::string& what, const std::function<bool()>& done) { ASSERT_TRUE(goes_on_until(done)) << what; }

    ide& join(const std::string& who, bool dap) {
        everybody.push_back(std::make_unique<ide>(session, rights, who, dap));
        return *everybody.back();
    }
    json answer(ide& of, std::int64_t id) {
        EXPECT_TRUE(goes_on_until([&] { return of.answered(id); })) << "no answer to request " << id << " of " << of.name;
        return of.answers[id];
    }

    std::minstd_rand random;
    temporary_directory directory;
    boost::asio::io_context io;
    standin::dlv dlv;
    permissions rights;
    hub session;
    std::vector<std::unique_ptr<ide>> everybody;
};

}  // namespace gateway
