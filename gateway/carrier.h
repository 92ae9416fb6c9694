// What a connection becomes once its certificate is verified: a link, a raw stream, or a request to
// the control API.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "gateway/directory.h"
#include "gateway/http_api.h"
#include "gateway/limits.h"
#include "gateway/tls_channel.h"

namespace gateway {

class client_authority;
class link_store;

// How often what happened since the start; shown by `delvegate status`.
struct counters {
    std::uint64_t accepted = 0;            // TCP connections
    std::uint64_t links = 0;               // verified connections by kind
    std::uint64_t raw_streams = 0;
    std::uint64_t control_requests = 0;
    std::uint64_t enrollments = 0;         // tokens that became a certificate
    std::uint64_t refused_enrollments = 0;
    std::uint64_t renewals = 0;
    std::uint64_t streams = 0;             // opened on links
    std::uint64_t refused_streams = 0;     // by verdict, raw ones included
    std::uint64_t failed_handshakes = 0;   // no or a bad certificate, no TLS, too slow
    // … by cause: a certificate that OpenSSL would not have, one whose name nobody here is known by or who is revoked, anything
    // else that is not TLS as it should be, the network, time.
    std::uint64_t failed_certificates = 0, failed_identities = 0, failed_tls = 0, failed_network = 0, failed_time = 0;
    std::uint64_t broken_links = 0;        // a client that broke the protocol
    std::uint64_t limit_handshakes = 0;    // turned away: handshakes at once, all together
    std::uint64_t limit_source = 0;        // ... one source's handshakes at once, or their rate
    std::uint64_t limit_connections = 0;
    std::uint64_t limit_identity = 0;
    std::uint64_t limit_streams = 0;
    std::uint64_t limit_viewer_buffer = 0;
    std::uint64_t limit_reply = 0;         // dlv's answers beyond rpcReply and dapReply
    std::uint64_t limit_idle = 0;
    std::uint64_t resumed_links = 0;       // broken links that went on
    std::uint64_t given_up_links = 0;      // … that did not
    std::uint64_t limit_followers = 0;     // limits.followers and followersPerUser
    std::uint64_t limit_resume = 0;        // … for resumeLinks and resumeBuffer
};

class audit_trail;
struct api_stream;

// What every carrier works with; outlives them all.
struct gateway_parts {
    boost::asio::io_context& io;
    directory& components;
    const limits& bounds;
    counters& counts;
    // Body of the control API's answer for whoever may see something; none: nothing to see.
    std::function<std::string(const auth::identity&, std::string_view path)> api;
    std::vector<std::string> names;  // of all components, whoever may see them
    bool draining = false;
    client_authority* identities = nullptr;  // who watches those who are in; null: nobody (tests)
    // Answers `POST /v1/renew`; none: this gateway renews no certificates.
    std::function<void(const auth::identity&, const std::string& body, std::function<void(http_answer)>)> renew{};
    // Answers what is below /v1/components/, in its own time; none: nothing is there.
    std::function<void(const caller&, const http_request&, api_stream)> lifecycle{};
    // Answers GET /v1/metrics; none: it is not there.
    std::function<http_answer(const auth::identity&)> metrics{};
    audit_trail* audit = nullptr;  // null: nothing is recorded (tests)
    link_store* links = nullptr;   // the server's
};

// One accepted channel, opened and verified, and who came in by it.
struct admitted_channel {
    std::shared_ptr<tls_channel> channel;
    caller who;
    std::string sni;
    std::string refuse;          // not empty: why this connection gets nothing but this reason
    std::function<void()> gone;  // to be called once, by post, when the carrier may be destroyed
};

class carrier {
public:
    virtual ~carrier() = default;
    // No new streams; those there are may end by themselves within that time.
    virtual void drain(std::string_view reason, std::chrono::milliseconds within) = 0;
    // Ends everything now, as politely as one write allows.
    virtual void close(std::string_view reason) = 0;
    // The same for somebody who may not be here any more: every IDE is told why, nothing more is heard.
    virtual void expel(std::string_view reason) = 0;
    // The caller's certificate was renewed: the same person, by another certificate from now on.
    virtual void rebind(const auth::identity& renewed) = 0;
    virtual std::size_t streams() const = 0;
};

std::unique_ptr<carrier> make_link_server(gateway_parts& parts, admitted_channel in);
std::unique_ptr<carrier> make_raw_stream(gateway_parts& parts, admitted_channel in);
std::unique_ptr<carrier> make_control_request(gateway_parts& parts, admitted_channel in);

}  // namespace gateway
