#include "gateway/connection.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "auth/identity.h"
#include "gateway/log.h"
#include "gateway/printable.h"
#include "gateway/tls_server.h"

namespace gateway {

connection::connection(tls_server& server, std::uint64_t id, boost::asio::ip::tcp::socket socket,
                       ssl_handle ssl, std::string source)
    : server_(server),
      id_(id),
      source_(std::move(source)),
      channel_(tls_channel::make(std::move(socket), std::move(ssl), tls_channel::role::server, *this)) {
    address_ = channel_->peer_address();
}

connection::~connection() {
    channel_->abort();
    carrier_.reset();
    handshake_over();
    if (!user_.empty()) server_.admission_.leave(user_);
    server_.admission_.connection_over();
}

void connection::start() { channel_->start(server_.parts_.bounds.handshake_time); }

void connection::drain(std::string_view reason, std::chrono::milliseconds within) {
    if (carrier_) return carrier_->drain(reason, within);
    // Strangers are not waited for.
    channel_->abort();
    boost::asio::post(server_.parts_.io, removal());
}

void connection::close(std::string_view reason) {
    if (carrier_) return carrier_->close(reason);
    channel_->abort();
    boost::asio::post(server_.parts_.io, removal());
}

void connection::opened() {
    handshake_over();
    const SSL* ssl = channel_->ssl();
    const auto who = auth::identify(SSL_get0_peer_certificate(ssl));
    if (!who) return refuse_silently("a certificate without a usable identity: " + who.error());

    admitted_channel in;
    in.channel = channel_;
    in.who.who = *who;
    in.who.address = address_;
    in.who.client = "tls";
    in.sni = auth::requested_sni(ssl);
    in.gone = removal();
    if (server_.admission_.enter(who->user)) {
        user_ = who->user;
    } else {
        ++server_.parts_.counts.limit_identity;
        in.refuse = who->user + " has " +
                    std::to_string(server_.parts_.bounds.connections_per_identity) +
                    " connections to this gateway already (limits.connectionsPerIdentity); close one";
    }
    const std::string alpn = auth::selected_alpn(ssl);
    if (alpn == auth::alpn_link)
        carrier_ = make_link_server(server_.parts_, std::move(in));
    else if (alpn == auth::alpn_http)
        carrier_ = make_control_request(server_.parts_, std::move(in));
    else
        carrier_ = make_raw_stream(server_.parts_, std::move(in));
}

void connection::closed(close_cause, std::string_view text) {
    ++server_.parts_.counts.failed_handshakes;
    server_.trouble(source_, "handshake with " + address_ + " failed: " + printable(text));
    handshake_over();
    boost::asio::post(server_.parts_.io, removal());
}

void connection::refuse_silently(const std::string& why) {
    ++server_.parts_.counts.failed_handshakes;
    server_.trouble(source_, address_ + ": " + printable(why));
    channel_->abort();
    boost::asio::post(server_.parts_.io, removal());
}

void connection::handshake_over() {
    if (std::exchange(handshaking_, false)) server_.admission_.handshake_over(source_);
}

// Whoever posts it second finds the connection gone already.
std::function<void()> connection::removal() {
    return [server = &server_, id = id_] { server->remove(id); };
}

}  // namespace gateway
