// Failed handshakes in a person's words.
#include <openssl/err.h>
#include <openssl/tls1.h>
#include <openssl/x509v3.h>

#include "auth/certificate_names.h"
#include "auth/identity.h"
#include "auth/tls.h"
#include "auth/tls_blame.h"
#include "auth/tls_trace.h"

namespace auth {

namespace {

std::string names_for_a_person(const X509* certificate) {
    constexpr std::size_t shown = 8;
    const auto names = certificate_names(certificate);
    if (names.empty()) return "it names no host";
    std::string text = "it is for ";
    for (std::size_t i = 0; i < names.size() && i < shown; ++i) text += (i ? ", " : "") + names[i];
    if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
    return text;
}

// We refused the peer's certificate.
std::string explain_verify(const tls_trace& trace, bool server, std::string_view peer, const tls_files& files) {
    const std::string whose = std::string(server ? "the client's" : "the gateway's") + " certificate";
    const std::string which =
        trace.verify_depth == 0 ? whose : "a CA certificate above " + whose;
    const X509* refused = trace.refused.get();
    if (!trace.words.empty()) return whose + " is refused: " + trace.words;
    switch (trace.verify_error) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return which + " expired on " + to_string(refused ? X509_get0_notAfter(refused) : nullptr) +
                   (server ? "" : "; have the gateway's administrator renew it");
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return which + " is not valid before " + to_string(refused ? X509_get0_notBefore(refused) : nullptr) +
                   "; is this host's clock right?";
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return whose + " is not for host " + std::string(peer) + "; " +
                   (trace.leaf ? names_for_a_person(trace.leaf.get()) : std::string());
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        case X509_V_ERR_CERT_UNTRUSTED:
            return whose + (files.ca.empty() ? " was not issued by a CA that is trusted here"
                                             : " was not issued by the CA in " + files.ca);
        case X509_V_ERR_CERT_REVOKED:
            return which + " has been revoked" +
                   (refused ? " (serial " + serial_of(X509_get0_serialNumber(refused)) + ")" : std::string());
        case X509_V_ERR_CRL_HAS_EXPIRED:
            return whose + " cannot be checked: the revocation list of its CA is past its next update";
        case X509_V_ERR_UNABLE_TO_GET_CRL:
        case X509_V_ERR_DIFFERENT_CRL_SCOPE:
            return whose + " cannot be checked: its CA has no revocation list among the configured ones";
        case X509_V_ERR_INVALID_PURPOSE:
            return whose + " is not for a " + (server ? "client" : "server") + " (extended key usage " +
                   (server ? "clientAuth" : "serverAuth") + " is missing)";
        case X509_V_ERR_EE_KEY_TOO_SMALL:
        case X509_V_ERR_CA_KEY_TOO_SMALL:
            return which + " " + (refused ? weakness(X509_get0_pubkey(refused)) : std::string("has a weak key"));
        default:
            return which + " is not acceptable: " + X509_verify_cert_error_string(trace.verify_error);
    }
}

// The peer refused ours, or our kind of TLS.
std::string explain_alert(int alert, bool server, std::string_view peer, const tls_files& files) {
    const std::string them = server ? "the client" : "the gateway";
    const std::string refused = them + (files.certificate.empty() ? " refused our certificate: "
                                                                  : " refused this certificate (" + files.certificate + "): ");
    switch (alert) {
        case TLS1_AD_UNKNOWN_CA:
            return refused + "it was issued by a CA that " + them + " does not trust";
        case SSL3_AD_CERTIFICATE_EXPIRED:
            return refused + "expired, or not valid yet";
        case SSL3_AD_CERTIFICATE_REVOKED:
            return refused + "revoked";
        case SSL3_AD_BAD_CERTIFICATE:
            return refused + (server ? "not for the host it asked for, or damaged" : "damaged, or too weak");
        case SSL3_AD_UNSUPPORTED_CERTIFICATE:
            return refused + "not for a " + (server ? "server" : "client") + ", or of an unsupported kind";
        case SSL3_AD_CERTIFICATE_UNKNOWN:
            return refused + "not acceptable";
        case SSL_AD_CERTIFICATE_REQUIRED:
            return them + " wants a certificate, and got none";
        case TLS1_AD_ACCESS_DENIED:
            return refused + "not authorised";
        case TLS1_AD_NO_APPLICATION_PROTOCOL:
            return std::string(peer) + " speaks TLS, but is no delvegate gateway (it knows none of our protocols)";
        case TLS1_AD_PROTOCOL_VERSION:
            return std::string(peer) + " speaks no TLS 1.3";
        default: {
            const char* text = SSL_alert_desc_string_long(alert);
            return std::string(peer) + " ended the TLS handshake: " + (text ? text : "unknown alert");
        }
    }
}

}  // namespace

tls_blame blame_of_tls_failure(const SSL* ssl) {
    const tls_trace* trace = trace_of(ssl);
    if (!trace) return tls_blame::neither;
    if (trace->verify_error != X509_V_OK) return tls_blame::theirs;
    switch (trace->alert_received) {
        case TLS1_AD_UNKNOWN_CA:
        case SSL3_AD_CERTIFICATE_EXPIRED:
        case SSL3_AD_CERTIFICATE_REVOKED:
        case SSL3_AD_BAD_CERTIFICATE:
        case SSL3_AD_UNSUPPORTED_CERTIFICATE:
        case SSL3_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_CERTIFICATE_REQUIRED:
        case TLS1_AD_ACCESS_DENIED: return tls_blame::ours;
        default: return tls_blame::neither;
    }
}

std::string explain_tls_failure(SSL* ssl, std::string_view peer, const tls_files& files) {
    const tls_trace* trace = trace_of(ssl);
    const bool server = SSL_is_server(ssl) != 0;
    const std::string name(peer);
    if (!trace) return name + ": the TLS handshake failed";
    if (trace->verify_error != X509_V_OK) return explain_verify(*trace, server, peer, files);
    if (trace->alert_received >= 0 && trace->alert_received != SSL_AD_CLOSE_NOTIFY)
        return explain_alert(trace->alert_received, server, peer, files);
    if (!trace->heard_anything)
        return name + " closed the connection without a word of TLS" +
               (server ? "" : "; is a delvegate gateway listening there?");
    if (!trace->heard_tls)
        return name + " does not speak TLS" + (server ? "" : "; is a delvegate gateway listening there?");
    switch (trace->alert_sent) {
        case TLS1_AD_PROTOCOL_VERSION:
            return name + " speaks no TLS 1.3";
        case SSL_AD_CERTIFICATE_REQUIRED:
            return name + " sent no certificate";
        case TLS1_AD_NO_APPLICATION_PROTOCOL:
            return name + " asked for protocols (ALPN) that are not served here";
        case SSL3_AD_HANDSHAKE_FAILURE:
            return name + " has no TLS cipher, group or signature in common with us";
        default:
            return name + (SSL_is_init_finished(ssl) ? " broke the connection"
                                                     : " broke off the TLS handshake");
    }
}

}  // namespace auth
