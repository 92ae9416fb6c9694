#include "gateway/enroll.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "auth/enrollment_request.h"
#include "auth/identity.h"
#include "auth/pinned_tls.h"
#include "auth/signing_request.h"
#include "gateway/contexts.h"
#include "gateway/https_call.h"
#include "gateway/laptop_dial.h"
#include "protocol/printable.h"
#include "gateway/utc.h"
#include "gateway/output_option.h"
#include "protocol/json.h"

namespace gateway {
namespace {

using protocol::json;

constexpr std::uint16_t default_link_port = 7443;
constexpr std::chrono::seconds patience{10};  // for a port that opens soon
constexpr std::chrono::milliseconds between_tries{250};

long long seconds_now() { return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()); }

std::string time_text(long long seconds) {
    return utc_time(std::chrono::system_clock::from_time_t(static_cast<std::time_t>(seconds)));
}

enroll_exit complain(std::string_view line, enroll_exit code = enroll_exit::failed) {
    std::fprintf(stderr, "delvegate: %s\n", protocol::printable(line).c_str());
    return code;
}

class enroller {
public:
    enroller(const enroll_options& options, context_store::draft place, auth::key_ptr key,
             std::unique_ptr<auth::pinned_client> tls)
        : options_(options), place_(std::move(place)), key_(std::move(key)), tls_(std::move(tls)), signals_(io_, SIGINT, SIGTERM), again_(io_) {}
    ~enroller() { OPENSSL_cleanse(body_.data(), body_.size()); }

    enroll_exit run(std::string body) {
        signals_.async_wait([this](const boost::system::error_code& ec, int) {
            if (ec) return;
            exit_ = complain("enrolment was interrupted; nothing is stored (the token may be used up)");
            io_.stop();
        });
        body_ = std::move(body);
        ask();
        io_.run();
        return exit_;
    }

private:
    void ask() {
        https_question question;
        question.host = options_.where.host;
        question.port = options_.where.port;
        question.via = options_.via;
        question.path = "/v1/enroll";
        question.body = body_;
        https_post(io_, std::move(question), tls_->context(),
                   [this](SSL* ssl) { return tls_->explain(ssl, options_.where.host); },
                   [this](const auth::outcome<https_reply>& reply) {
                       if (!reply && closed(reply.error()) && std::chrono::steady_clock::now() < until_) return later();
                       signals_.cancel();
                       exit_ = answered(reply);
                       io_.stop();
                   });
    }

    // The port opens a moment after the token was made: whoever pastes the line at once must not fail for it.
    void later() {
        if (!std::exchange(told_, true))
            std::fprintf(stderr, "delvegate: enrolment is not open yet at %s; trying again for %d s\n",
                         protocol::printable(host_and_port(options_.where.host, options_.where.port)).c_str(), static_cast<int>(patience.count()));
        again_.expires_after(between_tries);
        again_.async_wait([this](const boost::system::error_code& ec) {
            if (!ec) ask();
        });
    }

    bool closed(const std::string& why) const {
        return why.starts_with(host_and_port(options_.where.host, options_.where.port) + " refused the connection");
    }

    enroll_exit answered(const auth::outcome<https_reply>& reply) {
        const std::string asked = host_and_port(options_.where.host, options_.where.port);
        if (!reply) {
            // The likeliest reason for a closed port is not the one it would be for a link's.
            return complain(closed(reply.error()) ? asked + " refused the connection for " + std::to_string(patience.count()) +
                                                        " s: enrolment is open only while a token is live; have one made with "
                                                        "`delvegate token create`, or check the port"
                                                  : reply.error());
        }
        if (reply->status != 200) return complain(explain_refusal(asked, reply->status, reply->body));
        const auto issued = read_issued(reply->body, key_.get());
        if (!issued) return complain(issued.error());
        laptop_context context;
        context.name = options_.context;
        context.gateway = {options_.where.host, issued->port ? issued->port : default_link_port};
        context.renew_until = issued->renew_until;
        context.via = options_.via;
        std::string key = auth::to_pem(key_.get());
        std::string identity = issued->pem + key;
        auto stored = place_.commit(context, identity, auth::to_pem(tls_->ca()));
        OPENSSL_cleanse(key.data(), key.size());
        OPENSSL_cleanse(identity.data(), identity.size());
        if (!stored) return complain(stored.error());
        if (!options_.quiet)
            say(options_.output, "enrolled as " + protocol::printable(issued->user) + "; context " + context.name + ", certificate until " +
                                     time_text(issued->not_after) +
                                     "\nNow: delvegate connect COMPONENT (without COMPONENT: list what there is)\n",
                json::object{{"user", issued->user}, {"context", context.name}, {"gateway", to_string(context.gateway)},
                             {"notAfter", std::int64_t{issued->not_after}}, {"renewUntil", std::int64_t{issued->renew_until}}});
        return enroll_exit::ok;
    }

    const enroll_options& options_;
    boost::asio::io_context io_;
    context_store::draft place_;
    auth::key_ptr key_;
    std::unique_ptr<auth::pinned_client> tls_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer again_;
    const std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + patience;
    bool told_ = false;  // that it is tried again
    std::string body_;   // has the token
    enroll_exit exit_ = enroll_exit::failed;
};

}  // namespace

auth::outcome<issued_certificate> read_issued(std::string_view body, EVP_PKEY* key) {
    const auto parsed = protocol::parse_json(body, {.fold_keys = false});
    if (!parsed || !parsed->is_object()) return std::string("the gateway's answer is not JSON; is it another version?");
    auto certificates = auth::read_certificates(parsed->get_string("certificate"), "the gateway's answer");
    if (!certificates) return certificates.error();
    X509* certificate = certificates->front().get();
    const bool ours = X509_check_private_key(certificate, key) == 1;
    ERR_clear_error();
    if (!ours) return std::string("the gateway's answer has a certificate of another key; it is not used");
    const auto who = auth::identify(certificate);
    if (!who) return "the gateway's answer has a certificate that cannot be used: " + who.error();
    const long long now = seconds_now();
    if (who->not_before > now)
        return "the new certificate is not valid before " + time_text(who->not_before) + ", and this host's clock says " +
               time_text(now) + "; set the clock right and try again";
    if (who->not_after <= now)
        return "the new certificate is valid until " + time_text(who->not_after) + ", and this host's clock says " +
               time_text(now) + "; set the clock right and try again";
    issued_certificate out;
    for (const auto& one : *certificates) out.pem += auth::to_pem(one.get());
    out.user = who->user;
    out.not_after = who->not_after;
    out.renew_until = parsed->get_int("renewUntil");
    const auto port = parsed->get_int("port");
    if (port > 0 && port < 65536) out.port = static_cast<std::uint16_t>(port);
    return out;
}

std::string explain_refusal(const std::string& asked, unsigned status, std::string_view body) {
    const auto parsed = protocol::parse_json(body, {.fold_keys = false});
    const std::string code = parsed ? protocol::printable(parsed->get_string("code")) : std::string();
    const std::string reason = parsed ? protocol::printable(parsed->get_string("error")) : std::string();
    if (code == "token-unknown")
        return "the gateway refused the token: it is unknown, used, withdrawn or expired; have a new one made with "
               "`delvegate token create`";
    if (code == "rate-limited") return "the gateway refuses further attempts for now: " + reason + "; wait a minute";
    if (!reason.empty()) return "the gateway refused: " + reason;
    return asked + " does not do that (HTTP " + std::to_string(status) + "); is it the port, and the version, meant?";
}

enroll_exit run_enroll(enroll_options options, std::string token) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto wipe = [&token] { OPENSSL_cleanse(token.data(), token.size()); };
    if (options.context.empty()) options.context = context_store::name_for(options.where.host);
    if (!context_store::good_name(options.context))
        return wipe(), complain("a context is named by 1 to 64 letters, digits, hyphens, dots and underscores; not \"" +
                                    options.context + "\"", enroll_exit::usage);
    auto tls = auth::pinned_client::make(options.ca_pin);
    if (!tls) return wipe(), complain(tls.error(), enroll_exit::usage);
    if (!auth::can_be_token(token))
        return wipe(), complain("that is no token: 1 to 256 visible characters, as `delvegate token create` prints it");
    context_store store;
    if (const auto old = store.read(options.context); old && old->gateway.host != options.where.host)
        return wipe(), complain("context " + options.context + " is of another gateway, " + to_string(old->gateway) +
                                "; choose another name with --context, or delete it with `delvegate context delete " +
                                options.context + "`");
    auto place = store.begin();
    if (!place) return wipe(), complain(place.error());
    auto key = auth::make_key();
    if (!key) return wipe(), complain(key.error());
    json request;
    request.set("token", token);
    request.set("csr", auth::make_signing_request(key->get()));
    std::string body = protocol::to_text(request);
    wipe();
    return enroller(options, std::move(*place), std::move(*key), std::move(*tls)).run(std::move(body));
}

}  // namespace gateway
