// What tests of sockets need: certificates made on the spot, a loop that runs until something is true,
// and a client's end of a TLS connection.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "auth/ca.h"
#include "auth/tls.h"
#include "gateway/tls_channel.h"

namespace gateway {

using boost::asio::ip::tcp;

class temporary_directory {
public:
    temporary_directory() {
        char pattern[] = "/tmp/delvegate-unit-XXXXXX";
        path_ = ::mkdtemp(pattern);
    }
    ~temporary_directory() { std::filesystem::remove_all(path_); }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

// A CA, the gateway's certificate and those of people, each made when asked for.
class authority {
public:
    authority() {
        const auto made = auth::ensure_ca(ca(), "test CA");
        EXPECT_TRUE(made) << made.error();
    }
    std::string ca() const { return directory_.path() + "/ca"; }

    auth::tls_files gateway() {
        auth::leaf_request request;
        request.server = true;
        request.common_name = "gateway.test";
        request.hosts = {"gateway.test", "localhost", "127.0.0.1", "app.gateway.test", "secret.gateway.test"};
        return issue("gateway", request);
    }
    auth::tls_files person(const std::string& user, const std::vector<std::string>& groups = {}) {
        auth::leaf_request request;
        request.common_name = user;
        request.groups = groups;
        return issue("person-" + user, request);
    }

    static auth::ssl_ctx server_context(const auth::tls_files& files) {
        auto made = auth::make_server_context(files);
        EXPECT_TRUE(made) << made.error();
        tls_channel::prepare(made->get());
        return std::move(*made);
    }
    static auth::ssl_ctx client_context(const auth::tls_files& files) {
        auto made = auth::make_client_context(files);
        EXPECT_TRUE(made) << made.error();
        tls_channel::prepare(made->get());
        return std::move(*made);
    }

private:
    auth::tls_files issue(const std::string& name, const auth::leaf_request& request) {
        const std::string base = directory_.path() + "/" + name;
        const auto issued = auth::issue(ca(), request, base + ".crt", base + ".key");
        EXPECT_TRUE(issued) << issued.error();
        return {base + ".crt", base + ".key", ca() + "/ca.crt"};
    }
    temporary_directory directory_;
};

// Runs the loop until `done`, or fails after a time that only a hang can take.
inline bool run_until(boost::asio::io_context& io, const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        io.restart();
        io.run_one_for(std::chrono::milliseconds(50));
    }
    return true;
}

// Keeps what a channel says.
struct channel_ear : channel_user {
    void opened() override { is_open = true; }
    void received(std::string_view bytes) override {
        text += bytes;
        if (on_bytes) on_bytes(bytes);
    }
    void writable() override {
        ++writables;
        if (on_writable) on_writable();
    }
    void ended() override {
        has_ended = true;
        if (on_end) on_end();
    }
    void closed(close_cause why, std::string_view words) override {
        is_closed = true;
        cause = why;
        reason = words;
    }

    std::string text;
    std::string reason;
    close_cause cause = close_cause::done;
    int writables = 0;
    bool is_open = false;
    bool has_ended = false;
    bool is_closed = false;
    std::function<void(std::string_view)> on_bytes;
    std::function<void()> on_writable;
    std::function<void()> on_end;
};

// A client's end: dials and handshakes. Its certificate says who it is.
class tls_client : public channel_ear {
public:
    tls_client(boost::asio::io_context& io, const tcp::endpoint& where, SSL_CTX* context, std::string_view sni,
               const std::vector<std::string_view>& alpn) {
        tcp::socket socket(io);
        boost::system::error_code ec;
        socket.connect(where, ec);
        EXPECT_FALSE(ec) << ec.message();
        ssl_handle ssl(SSL_new(context));
        auth::set_expected_host(ssl.get(), "gateway.test", sni, alpn);
        channel = tls_channel::make(std::move(socket), std::move(ssl), tls_channel::role::client, *this);
        channel->start(std::chrono::seconds(60));
    }
    ~tls_client() override { channel->abort(); }

    std::shared_ptr<tls_channel> channel;
};

}  // namespace gateway
