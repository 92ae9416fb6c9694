// A gateway with the real TLS server and the real link, and toys in place of debug sessions:
// `fake_gateway CERTIFICATE KEY CLIENT_CA [PORT]` prints its port and serves until its standard input
// closes. For tests of `delvegate connect` that want each answer of a gateway at will.
//
//   echo       sends back what it gets, and ends when the IDE ends
//   count      says how many bytes it got, once the IDE ended
//   flood      answers the first byte with 32 MiB, each byte its offset modulo 251, and ends
//   busy       is on the list and refuses
//   sleeping   is on the list as unavailable and refuses
//   secret     is not on the list and refuses as not authorised
#include <unistd.h>

#include <array>
#include <iostream>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "auth/tls.h"
#include "gateway/carrier.h"
#include "gateway/tls_server.h"

namespace {

constexpr std::size_t flood_size = 32 * 1024 * 1024;
constexpr std::size_t flood_queue = 1024 * 1024;

class echo final : public gateway::stream_user {
public:
    explicit echo(gateway::stream_peer& peer) : peer_(peer) {}
    void received(std::string_view bytes) override {
        peer_.send(bytes);
        peer_.consumed(bytes.size());
    }
    void writable() override {}
    void ended() override { peer_.finish(); }
    void lost(std::string_view) override {}

private:
    gateway::stream_peer& peer_;
};

class count final : public gateway::stream_user {
public:
    explicit count(gateway::stream_peer& peer) : peer_(peer) {}
    void received(std::string_view bytes) override {
        got_ += bytes.size();
        peer_.consumed(bytes.size());
    }
    void writable() override {}
    void ended() override {
        peer_.send(std::to_string(got_));
        peer_.finish();
    }
    void lost(std::string_view) override {}

private:
    gateway::stream_peer& peer_;
    std::size_t got_ = 0;
};

class flood final : public gateway::stream_user {
public:
    explicit flood(gateway::stream_peer& peer) : peer_(peer) {
        for (std::size_t i = 0; i < pattern_.size(); ++i) pattern_[i] = static_cast<char>(i % 251);
    }
    void received(std::string_view bytes) override {
        peer_.consumed(bytes.size());
        if (!std::exchange(asked_, true)) go_on();
    }
    void writable() override {
        if (asked_) go_on();
    }
    void ended() override {}
    void lost(std::string_view) override {}

private:
    void go_on() {
        while (sent_ < flood_size && peer_.unsent() < flood_queue) {
            const std::size_t n = std::min(pattern_.size() - sent_ % 251, flood_size - sent_);
            peer_.send({pattern_.data() + sent_ % 251, n});
            sent_ += n;
        }
        if (sent_ == flood_size && !std::exchange(done_, true)) peer_.finish();
    }

    gateway::stream_peer& peer_;
    std::array<char, 60 * 1024> pattern_;
    std::size_t sent_ = 0;
    bool asked_ = false;
    bool done_ = false;
};

class toys final : public gateway::directory {
public:
    gateway::verdict open(const gateway::caller& who, std::string_view component, gateway::stream_peer& peer,
                          std::unique_ptr<gateway::stream_user>& user) override {
        gateway::verdict said;
        said.accepted = true;
        said.component = component;
        said.session = "toy";
        if (component == "echo") {
            user = std::make_unique<echo>(peer);
        } else if (component == "count") {
            user = std::make_unique<count>(peer);
        } else if (component == "flood") {
            user = std::make_unique<flood>(peer);
        } else {
            said.accepted = false;
            said.components = {"busy", "count", "echo", "flood", "sleeping"};
            if (component == "busy") {
                said.code = "busy";
                said.reason = "busy is taken: bob has been there since 10:03";
            } else if (component == "sleeping") {
                said.code = "not-running";
                said.reason = "dlv is not running for sleeping: its program is not an executable";
            } else if (component == "secret") {
                said.code = "not-authorized";
                said.reason = who.who.user + " may not debug secret; ask an administrator";
            } else {
                said.code = "no-such-component";
                said.reason = "there is no component " + std::string(component) + " here";
            }
        }
        return said;
    }
    std::vector<gateway::component_summary> list(const auth::identity&) const override {
        return {{"busy", "stopped", "bob is there"}, {"count", "running", ""},
                {"echo", "running", ""}, {"flood", "running", ""},
                {"sleeping", "unavailable", "its program is not an executable"}};
    }
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    boost::asio::io_context io;
    toys components;
    gateway::limits bounds;
    gateway::counters counts;
    gateway::gateway_parts parts{io, components, bounds, counts, {}, {}, false};
    auto context = auth::make_server_context({argv[1], argv[2], argv[3]});
    if (!context) {
        std::cerr << context.error() << std::endl;
        return 1;
    }
    gateway::tls_server server(parts, std::move(*context));
    const auto port = static_cast<std::uint16_t>(argc > 4 ? std::stoi(argv[4]) : 0);
    if (const auto bound = server.listen({{"127.0.0.1", port}}); !bound) {
        std::cerr << bound.error() << std::endl;
        return 1;
    }
    std::cout << server.addresses().at(0).port() << std::endl;
    boost::asio::posix::stream_descriptor input(io, STDIN_FILENO);
    input.async_wait(boost::asio::posix::stream_descriptor::wait_read, [&](auto) { io.stop(); });
    io.run();
}
