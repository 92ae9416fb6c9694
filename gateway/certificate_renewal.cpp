#include "gateway/certificate_renewal.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "auth/armor.h"
#include "auth/signing_request.h"
#include "gateway/enroll.h"
#include "gateway/host_calls.h"
#include "gateway/https_call.h"
#include "gateway/laptop_dial.h"
#include "gateway/utc.h"
#include "protocol/json.h"

namespace gateway {
namespace {

using protocol::json;
using std::chrono::milliseconds;

// A laptop sleeps, and its steady clock with it; so the wall clock is looked at again and again.
constexpr milliseconds longest_wait{60'000};
constexpr milliseconds busy_wait{1'000};  // another process renews

double now() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string time_text(double seconds) {
    return utc_time(std::chrono::system_clock::from_time_t(static_cast<std::time_t>(seconds)));
}

double dice() {
    static std::minstd_rand generator{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(generator);
}

}  // namespace

double renewal_due(double since, double not_after, double jitter) {
    const double life = std::max(0.0, not_after - since);
    return since + life * (2.0 / 3 + jitter / 20);
}

milliseconds renewal_pause(int failures, double life, double left) {
    const double first = std::max(1.0, life / 100);
    const double grown = std::min(first * std::pow(2.0, std::min(failures, 20)), 900.0);
    return milliseconds(static_cast<long>(1000 * std::max(0.5, std::min(grown, left / 4))));
}

certificate_renewal::certificate_renewal(boost::asio::io_context& io, settings how,
                                         std::function<void(const std::string&)> say)
    : io_(io), how_(std::move(how)), say_(std::move(say)), timer_(io), jitter_(dice()) {}

certificate_renewal::~certificate_renewal() { stop(); }

void certificate_renewal::start() { check(); }

void certificate_renewal::stop() {
    stopped_ = true;
    alive_.reset();
    timer_.cancel();
    if (lock_ >= 0) ::close(std::exchange(lock_, -1));
}

// The signer dates certificates back a little for clocks that are behind, so their life is counted from
// when they came.
auth::outcome<certificate_renewal::validity> certificate_renewal::look() const {
    using result = auth::outcome<validity>;
    auto version = store_.identity_version(how_.context);
    if (!version) return result(boost::system::in_place_error, version.error());
    const auto who = store_.who(how_.context);
    if (!who) return result(boost::system::in_place_error, who.error());
    validity out;
    out.version = std::move(*version);
    out.since = static_cast<double>(who->not_before);
    out.not_after = static_cast<double>(who->not_after);
    struct stat info {};
    if (::stat(store_.files(how_.context).certificate.c_str(), &info) == 0) {
        const double came = static_cast<double>(modified_at(info).tv_sec) + static_cast<double>(modified_at(info).tv_nsec) / 1e9;
        out.since = std::max(out.since, std::min(came, now()));
    }
    return result(boost::system::in_place_value, out);
}

void certificate_renewal::wait(milliseconds time) {
    timer_.expires_after(std::clamp(time, milliseconds(1), longest_wait));
    timer_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
        if (!ec && !alive.expired()) check();
    });
}

void certificate_renewal::check() {
    if (stopped_) return;
    const auto seen = look();
    if (!seen) {
        tell(seen.error());
        return wait(longest_wait);
    }
    const double due = renewal_due(seen->since, seen->not_after, jitter_);
    if (now() < due) {
        failures_ = 0;
        return wait(milliseconds(static_cast<long>(std::min(due - now(), 3600.0) * 1000) + 1));
    }
    if (now() >= seen->not_after)
        return tell("the certificate of context " + how_.context + " expired on " + time_text(seen->not_after) +
                    "; enrol again with `delvegate enroll`"),
               wait(longest_wait);
    const auto context = store_.read(how_.context);
    // What a renewal gives does not go beyond that time.
    const double until = context ? static_cast<double>(context->renew_until) : 0;
    if (until > 0 && (now() >= until || seen->not_after >= until))
        return tell("the certificate of context " + how_.context + " ends on " + time_text(seen->not_after) +
                    " and cannot be renewed any more; enrol again with `delvegate enroll`"),
               wait(longest_wait);

    lock_ = ::open((store_.directory(how_.context) + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
        ::close(std::exchange(lock_, -1));
        return wait(busy_wait);
    }
    // Somebody may have renewed it between the look and the lock.
    const auto again = look();
    if (!again || again->not_after != seen->not_after) {
        if (lock_ >= 0) ::close(std::exchange(lock_, -1));
        return wait(milliseconds(1));
    }
    renew(*again);
}

void certificate_renewal::renew(const validity& old) {
    const auto files = store_.files(how_.context);
    auto context = auth::make_client_context(files);
    if (!context) return failed(old, context.error());
    auto old_key = auth::load_key(files.key);
    if (!old_key) return failed(old, old_key.error());
    auto key = auth::make_key();
    if (!key) return failed(old, key.error());
    const auto proof = auth::sign_renewal(old_key->get(), auth::spki_of(key->get()));
    json body;
    body.set("csr", auth::make_signing_request(key->get()));
    body.set("proof", auth::to_base64(proof));
    key_ = std::move(*key);
    context_ = std::move(*context);

    https_question question;
    question.host = how_.host;
    question.port = how_.port;
    question.server_name = how_.server_name;
    question.via = how_.via;
    question.path = "/v1/renew";
    question.body = protocol::to_text(body);
    const std::string name = how_.server_name.empty() ? how_.host : how_.server_name;
    https_post(io_, std::move(question), context_.get(),
               [name, files](SSL* ssl) { return auth::explain_tls_failure(ssl, name, files); },
               [this, old, alive = std::weak_ptr<char>(alive_)](const auth::outcome<https_reply>& reply) {
                   using result = auth::outcome<std::string>;
                   if (alive.expired()) return;
                   if (!reply) return answered(old, result(boost::system::in_place_error, reply.error()));
                   if (reply->status != 200)
                       return answered(old, result(boost::system::in_place_error,
                                                   explain_refusal(host_and_port(how_.host, how_.port), reply->status,
                                                                   reply->body)));
                   answered(old, result(boost::system::in_place_value, reply->body));
               });
}

void certificate_renewal::answered(const validity& old, const auth::outcome<std::string>& body) {
    const auto key = std::move(key_);
    if (!body) return failed(old, body.error());
    const auto issued = read_issued(*body, key.get());
    if (!issued) return failed(old, issued.error());
    std::string pem = auth::to_pem(key.get());
    std::string identity = issued->pem + pem;
    const auto stored = store_.replace_identity(how_.context, old.version, identity);
    OPENSSL_cleanse(pem.data(), pem.size());
    OPENSSL_cleanse(identity.data(), identity.size());
    if (!stored) return failed(old, stored.error());
    if (lock_ >= 0) ::close(std::exchange(lock_, -1));
    failures_ = 0;
    jitter_ = dice();
    told_.clear();
    // Not at once again, whatever dates the new one has, or the one that somebody else was first with.
    wait(busy_wait);
}

void certificate_renewal::failed(const validity& old, const std::string& why) {
    if (lock_ >= 0) ::close(std::exchange(lock_, -1));
    tell("cannot renew the certificate of context " + how_.context + " (it ends on " + time_text(old.not_after) +
         "): " + why + "; trying again");
    wait(renewal_pause(failures_++, old.not_after - old.since, old.not_after - now()));
}

// Once for each line, however often it is tried.
void certificate_renewal::tell(const std::string& line) {
    if (std::exchange(told_, line) != line) say_(line);
}

}  // namespace gateway
