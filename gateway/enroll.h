// `delvegate enroll`: a one-time token becomes a certificate and a context of this laptop.
#pragma once

#include <string>
#include <string_view>

#include "auth/pem.h"
#include "gateway/config.h"

namespace gateway {

enum class enroll_exit : int {
    ok = 0,
    failed = 1,
    usage = 2,  // the command line makes no sense
};

struct enroll_options {
    host_port where;
    std::string ca_pin;
    std::string context;  // empty: named after the host
    bool quiet = false;
    std::string output = "text";
};

// What the gateway answered, checked against the key it is for and this host's clock. Also used by renewal.
struct issued_certificate {
    issued_certificate() = default;  // no aggregate: an error's text must not look like one
    std::string pem;
    std::string user;
    long long not_after = 0;    // seconds since the epoch
    long long renew_until = 0;  // likewise; 0: the gateway did not say
    std::uint16_t port = 0;     // where links go; 0: the gateway did not say
};
auth::outcome<issued_certificate> read_issued(std::string_view body, EVP_PKEY* key);

// A refusal in a person's words; `asked` names the host and port.
std::string explain_refusal(const std::string& asked, unsigned status, std::string_view body);

// Everything of it: a failure, or SIGINT, leaves nothing behind. The token is overwritten.
enroll_exit run_enroll(enroll_options options, std::string token);

}  // namespace gateway
