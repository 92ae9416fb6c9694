// One accepted connection: TLS handshake, identity, and the carrier it becomes.
#pragma once

#include <memory>
#include <string>

#include "gateway/authority.h"
#include "gateway/carrier.h"
#include "gateway/tls_channel.h"

namespace gateway {

class tls_server;

class connection final : channel_user, client_presence {
public:
    connection(tls_server& server, std::uint64_t id, boost::asio::ip::tcp::socket socket, ssl_handle ssl,
               std::string source);
    ~connection() override;

    void start();
    void drain(std::string_view reason, std::chrono::milliseconds within);
    void close(std::string_view reason);
    const auth::identity& who() const { return identity_; }  // its user is empty before the certificate is verified
    const std::string& address() const { return address_; }
    std::size_t streams() const { return carrier_ ? carrier_->streams() : 0; }

private:
    void opened() override;
    void received(std::string_view) override {}
    void writable() override {}
    void ended() override {}
    void closed(close_cause cause, std::string_view text) override;

    // client_presence
    const auth::identity& identity() const override { return identity_; }
    void rebind(const auth::identity& renewed) override;
    void expel(std::string_view reason) override;

    caller as_caller() const;
    void handshake_over();
    void count_failure(close_cause cause);
    void refuse_silently(const std::string& why);
    std::function<void()> removal();

    tls_server& server_;
    const std::uint64_t id_;
    const std::string source_;
    std::string address_;
    std::shared_ptr<tls_channel> channel_;
    std::unique_ptr<carrier> carrier_;
    auth::identity identity_;      // once it is known
    std::chrono::steady_clock::time_point since_;  // … its
    std::string end_;              // why it was ended, where that is known
    boost::asio::steady_timer last_second_;  // of somebody who is shown out
    std::string user_;             // counted under connectionsPerIdentity
    bool handshaking_ = true;
};

}  // namespace gateway
