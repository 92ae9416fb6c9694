#include "auth/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "auth/certificate_rules.h"
#include "auth/pem.h"
#include "auth/tls_profile.h"
#include "auth/tls_trace.h"
#include "auth/trust.h"

namespace auth {

namespace {

constexpr int alpn_max = 255;

// The other end's certificate; a gateway's clients are judged elsewhere (judge_clients_by()).
int verify(int ok, X509_STORE_CTX* store) {
    auto* ssl = static_cast<SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    X509* current = X509_STORE_CTX_get_current_cert(store);
    X509* leaf = X509_STORE_CTX_get0_cert(store);
    const int depth = X509_STORE_CTX_get_error_depth(store);
    if (ok && current)
        if (const int error = unfit(current, depth, !SSL_is_server(ssl)); error != X509_V_OK) {
            X509_STORE_CTX_set_error(store, error);
            ok = 0;
        }
    if (ok) return 1;
    if (auto* trace = trace_of(ssl); trace && trace->verify_error == X509_V_OK) {
        const auto keep = [](certificate_ptr& slot, X509* certificate) {
            if (certificate && X509_up_ref(certificate)) slot.reset(certificate);
        };
        trace->verify_error = X509_STORE_CTX_get_error(store);
        trace->verify_depth = depth;
        keep(trace->refused, current);
        keep(trace->leaf, leaf);
    }
    return 0;
}

int choose_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                unsigned offered_size, void*) {
    for (const std::string_view ours : {alpn_link, alpn_delve, alpn_http})
        for (unsigned at = 0; at < offered_size; at += 1u + offered[at]) {
            const unsigned char size = offered[at];
            if (size >= offered_size - at) break;
            const auto* name = offered + at + 1;
            if (ours == std::string_view(reinterpret_cast<const char*>(name), size)) {
                *chosen = name;
                *chosen_size = size;
                return SSL_TLSEXT_ERR_OK;
            }
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Our own certificate: refused here, at start, rather than by every peer later.
outcome<void> use_own(SSL_CTX* context, const tls_files& files, bool server) {
    auto chain = files.certificate_pem.empty() ? load_certificates(files.certificate)
                                               : read_certificates(files.certificate_pem, files.certificate);
    if (!chain) return chain.error();
    auto key = files.key_pem.empty() ? load_key(files.key) : read_key(files.key_pem, files.key);
    if (!key) return key.error();
    X509* own = chain->front().get();
    const std::string name = "the certificate " + files.certificate;
    if (const auto why = weakness(X509_get0_pubkey(own)); !why.empty()) return name + " " + why;
    if (X509_cmp_current_time(X509_get0_notAfter(own)) <= 0)
        return name + " expired on " + to_string(X509_get0_notAfter(own)) + "; have a new one issued";
    if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0)
        return name + " is not valid before " + to_string(X509_get0_notBefore(own)) +
               "; is this host's clock right?";
    if (!has_usage(own, server))
        return name + " is not for a " + (server ? "server" : "client") + " (extended key usage " +
               (server ? "serverAuth" : "clientAuth") + " is missing)";
    ERR_clear_error();
    bool taken = SSL_CTX_use_certificate(context, own) == 1;
    for (std::size_t i = 1; i < chain->size(); ++i)
        taken = taken && SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) == 1;
    if (!taken) return name + " cannot be used: " + openssl_error();
    if (X509_check_private_key(own, key->get()) != 1) {
        ERR_clear_error();
        return "the key " + files.key + " does not belong to " + name;
    }
    if (SSL_CTX_use_PrivateKey(context, key->get()) != 1)
        return "the key " + files.key + " cannot be used: " + openssl_error();
    return {};
}

}  // namespace

namespace tls_profile {

int verify_peer(int ok, X509_STORE_CTX* store) { return verify(ok, store); }

outcome<ssl_ctx> make(bool server) {
    ERR_clear_error();
    ssl_ctx context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
    if (!context) return "cannot set TLS up: " + openssl_error();
    SSL_CTX* c = context.get();
    // Said here in full, so that the system's openssl.cnf can neither weaken nor change it.
    SSL_CTX_set_security_level(c, 2);
    if (SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) != 1 ||
        // AES-128 first: as safe here as the others, and the cheapest per byte where AES is in hardware.
        SSL_CTX_set_ciphersuites(
            c, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(c, "X25519:P-256:P-384") != 1)
        return "cannot set TLS up: " + openssl_error();
    SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_early_data(c, 0);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
    if (server && SSL_CTX_set_num_tickets(c, 0) != 1) return "cannot set TLS up: " + openssl_error();

    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verify);
    SSL_CTX_set_verify_depth(c, max_chain);
    if (SSL_CTX_set_purpose(c, server ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER) != 1)
        return "cannot set TLS up: " + openssl_error();
    X509_VERIFY_PARAM_clear_flags(SSL_CTX_get0_param(c), X509_V_FLAG_PARTIAL_CHAIN);
    keep_trace(c);
    return context;
}

outcome<void> use_certificate(SSL_CTX* context, const tls_files& files, bool server) {
    return use_own(context, files, server);
}

}  // namespace tls_profile

namespace {

outcome<ssl_ctx> make_context(const tls_files& files, bool server) {
    auto context = tls_profile::make(server);
    if (!context) return context;
    SSL_CTX* c = context->get();
    if (auto own = use_own(c, files, server); !own) return own.error();
    if (server) {
        // No list of accepted CAs is sent: a stranger need not learn whom we trust.
        SSL_CTX_set_alpn_select_cb(c, choose_alpn, nullptr);
        return context;
    }
    if (auto ca = load_certificate(files.ca); !ca) return ca.error();
    if (SSL_CTX_load_verify_file(c, files.ca.c_str()) != 1)
        return "the CA file " + files.ca + " cannot be used: " + openssl_error();
    return context;
}

bool is_address(const std::string& host) {
    unsigned char bytes[sizeof(in6_addr)];
    return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// A host as a person writes it: "[::1]" and "fe80::1%eth0" are addresses, "node1." is node1.
std::string canonical_host(std::string_view host) {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host.remove_prefix(1);
        host.remove_suffix(1);
    }
    if (host.find(':') != host.npos) host = host.substr(0, host.find('%'));
    if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
    return std::string(host);
}

}  // namespace

outcome<ssl_ctx> make_server_context(const tls_files& files, std::shared_ptr<trust_slot> clients) {
    auto context = make_context(files, true);
    if (context) judge_clients_by(context->get(), std::move(clients));
    return context;
}

outcome<ssl_ctx> make_server_context(const tls_files& files) {
    auto slot = std::make_shared<trust_slot>();
    auto context = make_server_context(files, slot);
    if (!context) return context;
    client_ca ca;
    ca.file = files.ca;
    auto loaded = trusted_ca::load(ca);
    if (!loaded) return loaded.error();
    auto all = trust::of({*loaded});
    if (!all) return all.error();
    slot->now = *all;
    return context;
}

outcome<ssl_ctx> make_client_context(const tls_files& files) { return make_context(files, false); }

void set_expected_host(SSL* ssl, std::string_view host, std::string_view sni,
                       const std::vector<std::string_view>& alpn) {
    const std::string name = canonical_host(host);
    const bool address = host.find('\0') == host.npos && is_address(name);
    X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    // OpenSSL takes an empty name for "do not check"; then, and when it cannot store the name, expect one
    // that no certificate has.
    if (!(address ? X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1
                  : !name.empty() && X509_VERIFY_PARAM_set1_host(param, name.data(), name.size()) == 1))
        X509_VERIFY_PARAM_set1_host(param, "no host was given", 0);

    const std::string asked(sni.empty() && !address ? std::string_view(name) : sni);
    if (!asked.empty()) SSL_set_tlsext_host_name(ssl, asked.c_str());

    std::string list;
    for (const auto protocol : alpn) {
        if (protocol.empty() || protocol.size() > alpn_max) continue;
        list += static_cast<char>(protocol.size());
        list += protocol;
    }
    if (!list.empty())
        SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()),
                            static_cast<unsigned>(list.size()));
    ERR_clear_error();
}

std::string selected_alpn(const SSL* ssl) {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

std::string requested_sni(const SSL* ssl) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    return name ? name : "";
}

}  // namespace auth
