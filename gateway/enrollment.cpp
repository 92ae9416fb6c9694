#include "gateway/enrollment.h"

#include <openssl/crypto.h>

#include <chrono>
#include <cstdint>
#include <utility>

#include "auth/enrollment_request.h"
#include "auth/pem.h"
#include "gateway/carrier.h"
#include "protocol/printable.h"
#include "protocol/json.h"

namespace gateway {

namespace {

using protocol::json;

http_answer refusal(unsigned status, std::string_view code, std::string_view reason) {
    return {status, protocol::to_text(json::object{{"error", reason}, {"code", code}})};
}

unsigned status_of(const std::string& code) {
    if (code == "rate-limited") return 429;
    if (code == "weak-key") return 400;
    if (code == "unavailable") return 503;
    return 403;
}

}  // namespace

void enrollment::enroll(std::string body, const std::string& source, reply done) {
    auto request = auth::read_enrollment_request(body);
    OPENSSL_cleanse(body.data(), body.size());
    if (!request) {
        ++counts_.refused_enrollments;
        note(source, "enrolment from " + source + " refused: " + request.error());
        return done(refusal(400, "bad-request", request.error()));
    }
    signer_.enroll({std::move(request->token_hash), std::move(request->spki), source},
                   [this, source, done = std::move(done), alive = std::weak_ptr<char>(alive_)](const signer_answer& said) {
                       if (alive.expired()) return;
                       if (said.ok) {
                           ++counts_.enrollments;
                           log().info("{} enrolled from {}", protocol::printable(said.user), source);
                           record(source, said.user + " has enrolled");
                       } else {
                           ++counts_.refused_enrollments;
                           record(source, "an enrolment was refused: " + said.code);
                           note(source, "enrolment from " + source + " refused: " + protocol::printable(said.code) + ": " +
                                            protocol::printable(said.log.empty() ? said.reason : said.log));
                       }
                       done(answer_of(said));
                   });
}

void enrollment::renew(const auth::identity& who, const std::string& body, reply done) {
    auto request = auth::read_renewal_request(body);
    if (!request) return done(refusal(400, "bad-request", request.error()));
    signer_.renew({who.fingerprint, std::move(request->spki), std::move(request->proof)},
                  [this, who, done = std::move(done), alive = std::weak_ptr<char>(alive_)](const signer_answer& said) {
                      if (alive.expired()) return;
                      if (!said.ok) {
                          note(who.user, "renewal of " + protocol::printable(who.user) + "'s certificate refused: " +
                                             protocol::printable(said.code) + ": " + protocol::printable(said.log.empty() ? said.reason : said.log));
                          return done(answer_of(said));
                      }
                      const auto made = auth::read_certificates(said.certificate, "the signer's answer");
                      const auto now = made ? auth::identify(made->front().get())
                                            : boost::system::result<auth::identity, std::string>(
                                                  boost::system::in_place_error, made.error());
                      if (!now) {
                          log().error("renewal of {}'s certificate: {}", protocol::printable(who.user), protocol::printable(now.error()));
                          return done(refusal(503, "unavailable", "the gateway's signer gave no usable certificate"));
                      }
                      ++counts_.renewals;
                      record({}, who.user + "'s certificate " + who.serial + " is renewed as " + now->serial);
                      log().info("{}: certificate {} renewed as {}", protocol::printable(who.user), who.serial, now->serial);
                      if (hooks_.rebind && !hooks_.rebind(who.fingerprint, made->front().get()))
                          log().warn("{}: connections made with certificate {} end with it: the renewed one does not stand "
                                     "for the same person here", protocol::printable(who.user), who.serial);
                      done(answer_of(said));
                  });
}

void enrollment::record(std::string_view address, std::string_view what) const {
    if (hooks_.record) hooks_.record(address, what);
}

http_answer enrollment::answer_of(const signer_answer& said) const {
    if (!said.ok)
        return refusal(status_of(said.code), said.code.empty() ? "unavailable" : said.code,
                       said.reason.empty() ? "refused" : said.reason);
    json::array groups;
    for (const auto& one : said.groups) groups.emplace_back(one);
    json body;
    body.set("certificate", said.certificate);
    body.set("ca", said.ca);
    body.set("user", said.user);
    body.set("groups", std::move(groups));
    body.set("notAfter", std::int64_t{said.not_after});
    body.set("renewUntil", std::int64_t{said.renew_until});
    body.set("port", std::uint64_t{hooks_.main_port ? hooks_.main_port() : std::uint16_t{0}});
    return {200, protocol::to_text(body)};
}

void enrollment::note(const std::string& source, const std::string& text) {
    std::size_t skipped = 0;
    if (!gate_.open(source, std::chrono::steady_clock::now(), skipped)) return;
    if (skipped > 0)
        log().warn("{} (and {} more like it)", text, skipped);
    else
        log().warn("{}", text);
}

}  // namespace gateway
