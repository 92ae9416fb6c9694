// The one port that answers: accepts, bounds what strangers may cost, verifies certificates, and only
// then lets a connection become a link, a raw stream or a control request.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "auth/tls.h"
#include "gateway/admission.h"
#include "gateway/carrier.h"
#include "gateway/link_store.h"
#include "gateway/config.h"
#include "gateway/listening_ports.h"
#include "gateway/log.h"
#include "gateway/time_left.h"

namespace gateway {

class connection;

class tls_server {
public:
    // Both outlive the server. The context is made by auth::make_server_context().
    tls_server(gateway_parts& parts, auth::ssl_ctx context);
    ~tls_server();
    tls_server(const tls_server&) = delete;
    tls_server& operator=(const tls_server&) = delete;

    // Listening sockets that systemd has opened; before listen(), which takes those of its addresses.
    void inherit(std::vector<int> sockets) { ports_.inherit(std::move(sockets)); }
    // Binds and accepts. The error says what to do.
    auth::outcome<void> listen(const std::vector<host_port>& where) { return ports_.open(where, "listen"); }
    std::vector<boost::asio::ip::tcp::endpoint> addresses() const { return ports_.addresses(); }

    // For connections from now on; those there are keep theirs.
    void use(auth::ssl_ctx context);

    // Stops accepting; streams may end by themselves within drainTime, then they are closed, with
    // two seconds for their last bytes. `done` is called, from the event loop, when no connection is left.
    void drain(std::function<void()> done);

    // When the certificate is good that it shows to clients now.
    const X509* certificate() const { return SSL_CTX_get0_certificate(context_.get()); }

    std::optional<lifetime> certificate_time() const;

    // Who is connected, by which certificate; in the order they came.
    struct person {
        auth::identity who;
        std::string address;
    };
    std::vector<person> people() const;

    std::size_t connections() const { return connections_.size(); }
    std::size_t handshakes() const { return admission_.handshakes(); }
    std::size_t streams() const;
    const link_store& kept() const { return links_; }

private:
    friend class connection;

    void take(int fd, const boost::asio::ip::tcp::endpoint& peer);
    void turned_away(const std::string& source, admission::answer why);
    void trouble(const std::string& source, const std::string& text);
    void remove(std::uint64_t id);
    void check_drained();

    gateway_parts& parts_;
    auth::ssl_ctx context_;
    admission admission_;
    log_gate gate_;
    link_store links_{parts_};
    listening_ports ports_;
    std::unordered_map<std::uint64_t, std::unique_ptr<connection>> connections_;
    std::uint64_t last_id_ = 0;
    boost::asio::steady_timer drain_timer_;
    std::function<void()> drained_;
};

}  // namespace gateway
