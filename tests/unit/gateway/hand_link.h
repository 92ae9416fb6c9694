// A directory of echoes, and a laptop that speaks delvegate/1 by hand.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/directory.h"
#include "gateway/link_streams.h"
#include "tests/unit/gateway/loop.h"

namespace gateway {

using protocol::frame_type;
using protocol::json;

// Says back what it hears; "!" ends the stream, "#" drops it.
class echo final : public stream_user {
public:
    echo(stream_peer& peer, std::string& heard) : peer_(peer), heard_(heard) {}
    void received(std::string_view bytes) override {
        heard_ += bytes;
        if (bytes == "hold") holding_ = true;
        if (holding_) return;
        peer_.consumed(bytes.size());
        if (bytes == "#") return peer_.abort("dropped");
        peer_.send(bytes);
        if (bytes == "!") peer_.finish();
    }
    void writable() override {}
    void say(std::string_view bytes) { peer_.send(bytes); }
    void deal_with(std::size_t n) {
        holding_ = false;
        peer_.consumed(n);
    }
    void ended() override {
        heard_ += "<end>";
        peer_.finish();
    }
    void lost(std::string_view) override { heard_ += "<lost>"; }
    void link_is(bool up, std::string_view) override { heard_ += up ? "<up>" : "<down>"; }

private:
    stream_peer& peer_;
    std::string& heard_;
    bool holding_ = false;
};

// alice may use `app`, bob `app` and `other`; `secret` is nobody's.
class fake_directory final : public directory {
public:
    std::vector<std::string> visible(const auth::identity& who) const {
        if (who.user == "alice") return {"app"};
        if (who.user == "bob") return {"app", "other"};
        return {};
    }
    verdict open(const caller& who, std::string_view component, stream_peer& peer,
                 std::unique_ptr<stream_user>& user) override {
        ++opens;
        verdict said;
        const auto names = visible(who.who);
        std::string name(component);
        if (name.empty() && names.size() == 1) name = names.front();
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            said.code = names.empty() ? "not-authorized" : "no-such-component";
            said.reason = "no " + name + " for " + who.who.user;
            said.components = names;
            return said;
        }
        said.accepted = true;
        said.component = name;
        said.session = "s" + std::to_string(opens);
        auto made = std::make_unique<echo>(peer, heard[name]);
        last = made.get();
        user = std::move(made);
        return said;
    }
    std::vector<component_summary> list(const auth::identity& who) const override {
        std::vector<component_summary> out;
        for (const auto& name : visible(who)) out.push_back({name, "stopped", "at its entry"});
        return out;
    }
    int opens = 0;
    echo* last = nullptr;
    std::map<std::string, std::string> heard;
};

inline stream_place place(std::uint32_t stream, std::uint64_t received, bool undecided = false) {
    stream_place one;
    one.stream = stream;
    one.received = received;
    one.undecided = undecided;
    return one;
}

// A laptop that speaks delvegate/1 by hand.
class hand_link : public tls_client {
public:
    // `resumes`: it says that it comes back when its link breaks.
    hand_link(boost::asio::io_context& io, const tcp::endpoint& where, SSL_CTX* context, bool resumes = false)
        : tls_client(io, where, context, "", {auth::alpn_link}) {
        on_bytes = [this](std::string_view bytes) {
            decoder_.feed(bytes);
            protocol::error_code ec;
            while (const auto frame = decoder_.next(ec)) take(*frame);
            EXPECT_FALSE(ec) << ec.message();
        };
        json hello = json::object{{"version", 1}, {"agent", "test/1"}};
        if (resumes) hello.set("resumes", true);
        control(frame_type::hello, 0, hello);
    }
    void control(frame_type type, std::uint32_t stream, const json& body) {
        std::string out;
        protocol::append_control(out, type, stream, body);
        channel->send(out);
    }
    void open(std::uint32_t stream, const char* component) {
        control(frame_type::open, stream, json::object{{"component", component}});
    }
    void data(std::uint32_t stream, std::string_view bytes) {
        std::string out;
        protocol::append_data(out, stream, sent_[stream], bytes);
        sent_[stream] += bytes.size();
        channel->send(out);
    }
    // Goes on with the streams of a link that broke, with what came of them and what was sent.
    void resume(const hand_link& broken, const std::vector<stream_place>& places) {
        streams = broken.streams;
        sent_ = broken.sent_;
        control(frame_type::resume, 0, json::object{{"link", broken.token()}, {"streams", to_json(places)}});
    }
    std::string token() const {
        const auto hello = controls.find(frame_type::hello);
        return hello == controls.end() ? "" : std::string(hello->second.at(0).second.get_string("link"));
    }
    // What the gateway said to resume().
    const json* resumed() {
        const auto& all = controls[frame_type::resumed];
        return all.empty() ? nullptr : &all.front().second;
    }
    void end(std::uint32_t stream) {
        std::string out;
        protocol::append_offset(out, frame_type::end, stream, sent_[stream]);
        channel->send(out);
    }

    std::map<frame_type, std::vector<std::pair<std::uint32_t, json>>> controls;
    std::map<std::uint32_t, std::string> streams;
    std::map<std::uint32_t, bool> ends;

private:
    void take(const protocol::link_frame& frame) {
        if (frame.type == frame_type::data) {
            streams[frame.stream] += frame.payload.substr(8);
        } else if (frame.type == frame_type::end) {
            ends[frame.stream] = true;
        } else if (auto body = protocol::read_control(frame)) {
            controls[frame.type].emplace_back(frame.stream, *body);
        }
    }
    protocol::link_decoder decoder_;
    std::map<std::uint32_t, std::uint64_t> sent_;
};

}  // namespace gateway
