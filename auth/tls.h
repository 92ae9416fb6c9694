// TLS contexts of the one profile: 1.3 only, certificates on both sides, no resumption, no early data.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

namespace auth {

template <class T>
using outcome = boost::system::result<T, std::string>;  // the error is one line for a person

struct ssl_ctx_free {
    void operator()(SSL_CTX* c) const { SSL_CTX_free(c); }
};
using ssl_ctx = std::unique_ptr<SSL_CTX, ssl_ctx_free>;

struct tls_files {
    std::string certificate;  // PEM chain
    std::string key;          // PEM; refused when others than its owner can read it (but root may let a
                              // group read its own), or when it is encrypted
    std::string ca;           // PEM bundle the peer must chain to
    // PEM that lies in no file of its own (a kubeconfig's); then the two above only name it for a person.
    std::string certificate_pem{};
    std::string key_pem{};
};

// ALPN names a server accepts, in its order of preference; a client without ALPN is accepted too.
inline constexpr std::string_view alpn_link = "delvegate/1";
inline constexpr std::string_view alpn_delve = "delve";
inline constexpr std::string_view alpn_http = "http/1.1";

// Server: TLS 1.3, client certificate required (clientAuth EKU), session tickets, resumption, early
// data and renegotiation off; a weak key (RSA < 2048, EC < 256) or an expired own certificate refused.
// The clients' CAs are those of `clients` at each handshake; files.ca is not read.
struct trust_slot;
outcome<ssl_ctx> make_server_context(const tls_files& files, std::shared_ptr<trust_slot> clients);
// The same with one client CA, files.ca, for good.
outcome<ssl_ctx> make_server_context(const tls_files& files);

// Client: TLS 1.3, verifies the chain, serverAuth EKU and, per connection (set_expected_host), the name.
outcome<ssl_ctx> make_client_context(const tls_files& files);

// Sets SNI (when `host` is a name, or `sni` is given), the name or address to verify, and the ALPN list.
void set_expected_host(SSL* ssl, std::string_view host, std::string_view sni, const std::vector<std::string_view>& alpn);

std::string selected_alpn(const SSL* ssl);   // empty: none
std::string requested_sni(const SSL* ssl);   // empty: none

// Why a handshake failed, in a person's words: "the gateway's certificate expired on …", "… is not for
// host …", "… was not issued by the CA in FILE", "the gateway refused this certificate: expired".
std::string explain_tls_failure(SSL* ssl, std::string_view peer, const tls_files& files);

}  // namespace auth
