#include "gateway/connection.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "auth/tls_trace.h"
#include "auth/trust.h"
#include "gateway/audit_trail.h"
#include "gateway/log.h"
#include "protocol/printable.h"
#include "gateway/tls_server.h"

namespace gateway {

namespace {

// For the last words to whoever is shown out. Together with the way there it stays below a second.
constexpr std::chrono::milliseconds showing_out{400};

}  // namespace

connection::connection(tls_server& server, std::uint64_t id, boost::asio::ip::tcp::socket socket,
                       ssl_handle ssl, std::string source)
    : server_(server),
      id_(id),
      source_(std::move(source)),
      channel_(tls_channel::make(std::move(socket), std::move(ssl), tls_channel::role::server, *this)),
      last_second_(server.parts_.io) {
    address_ = channel_->peer_address();
}

connection::~connection() {
    if (server_.parts_.identities) server_.parts_.identities->leave(*this);
    channel_->abort();
    carrier_.reset();
    handshake_over();
    if (auto* audit = server_.parts_.audit; audit && !identity_.user.empty())
        audit->disconnected(as_caller(), end_.empty() ? "closed" : end_, std::chrono::steady_clock::now() - since_);
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
    end_ = reason;
    if (carrier_) return carrier_->close(reason);
    channel_->abort();
    boost::asio::post(server_.parts_.io, removal());
}

void connection::opened() {
    handshake_over();
    const SSL* ssl = channel_->ssl();
    // By the trust of now: what was revoked while the handshake went on counts.
    const auto who = auth::identify_client(ssl);
    if (!who) return refuse_silently("a certificate without a usable identity: " + who.error());
    client_authority* const identities = server_.parts_.identities;
    if (identities)
        if (const auto why = identities->fault(*who); !why.empty()) return refuse_silently(who->user + ": " + why);
    identity_ = *who;
    since_ = std::chrono::steady_clock::now();
    if (auto* audit = server_.parts_.audit) audit->connected(as_caller());
    if (identities) identities->enter(*this);

    admitted_channel in;
    in.channel = channel_;
    in.who = as_caller();
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

void connection::rebind(const auth::identity& renewed) {
    identity_ = renewed;
    if (carrier_) carrier_->rebind(renewed);
}

caller connection::as_caller() const {
    caller out;
    out.who = identity_;
    out.address = address_;
    out.client = "tls";
    return out;
}

void connection::expel(std::string_view reason) {
    end_ = reason;
    if (auto* audit = server_.parts_.audit) audit->revoked(identity_, {}, reason);
    if (carrier_) carrier_->expel(reason);
    // Whoever does not take the goodbye goes without.
    last_second_.expires_after(showing_out);
    last_second_.async_wait([this](const boost::system::error_code& ec) {
        if (ec) return;
        channel_->abort();
        boost::asio::post(server_.parts_.io, removal());
    });
}

void connection::closed(close_cause cause, std::string_view text) {
    ++server_.parts_.counts.failed_handshakes;
    count_failure(cause);
    std::string why(text);
    if (cause == close_cause::tls) why = auth::explain_tls_failure(channel_->ssl(), address_, {});
    server_.trouble(source_, "handshake with " + address_ + " failed: " + protocol::printable(why));
    handshake_over();
    boost::asio::post(server_.parts_.io, removal());
}

void connection::count_failure(close_cause cause) {
    auto& counts = server_.parts_.counts;
    switch (cause) {
        case close_cause::done: ++counts.failed_network; break;  // gone before it was through
        case close_cause::network: ++counts.failed_network; break;
        case close_cause::timeout: ++counts.failed_time; break;
        case close_cause::tls: {
            const auto* trace = auth::trace_of(channel_->ssl());
            const bool certificate = trace && (trace->verify_error != X509_V_OK || trace->alert_sent == SSL_AD_CERTIFICATE_REQUIRED);
            ++(certificate ? counts.failed_certificates : counts.failed_tls);
            break;
        }
    }
}

void connection::refuse_silently(const std::string& why) {
    ++server_.parts_.counts.failed_handshakes;
    ++server_.parts_.counts.failed_identities;
    server_.trouble(source_, address_ + ": " + protocol::printable(why));
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
