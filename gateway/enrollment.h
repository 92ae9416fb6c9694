// Certificates for laptops: what enrolment and renewal read, ask the signer, and answer. HTTP bodies in and
// out, no sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "auth/identity.h"
#include "gateway/http_api.h"
#include "gateway/log.h"
#include "gateway/signer.h"

namespace gateway {

struct counters;

class enrollment {
public:
    struct hooks {
        std::function<std::uint16_t()> main_port;  // where links go
        // A certificate was renewed; the connections of the old one are to be known by the new one. False: they
        // are not, and end with the old one.
        std::function<bool(std::string_view old_fingerprint, X509* renewed)> rebind;
        // For the audit: what was given out or refused, and from where it was asked.
        std::function<void(std::string_view address, std::string_view what)> record{};
    };
    using reply = std::function<void(http_answer)>;

    enrollment(signer& who_signs, counters& counts, hooks around)
        : signer_(who_signs), counts_(counts), hooks_(std::move(around)) {}

    // Body of `POST /v1/enroll`, overwritten as soon as it is read. The answer is 200 with
    // {"certificate","ca","user","groups","notAfter","renewUntil","port"}, or {"error","code"}.
    void enroll(std::string body, const std::string& source, reply done);

    // Body of `POST /v1/renew` from somebody whose certificate TLS has verified. The answer is the same.
    void renew(const auth::identity& who, const std::string& body, reply done);

private:
    http_answer answer_of(const signer_answer& said) const;
    void note(const std::string& source, const std::string& text);
    void record(std::string_view address, std::string_view what) const;

    signer& signer_;
    counters& counts_;
    hooks hooks_;
    log_gate gate_;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
