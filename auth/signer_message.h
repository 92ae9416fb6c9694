// What the gateway and the signer say to each other: one JSON object a packet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/system/result.hpp>

#include "protocol/json.h"

namespace auth {

inline constexpr std::size_t max_signer_packet = 64 * 1024;  // bytes, either way
inline constexpr std::size_t max_anchor = 1024;              // bytes to be signed
inline constexpr std::string_view anchor_label{"delvegate-audit-anchor-v1\0", 26};

// {"id":1,"verb":"enroll","tokenHash":HEX64,"publicKey":BASE64,"source":"192.0.2.1"}
struct enroll_request {
    std::string token_hash;
    std::string spki;
    std::string source;
};
// {"id":2,"verb":"renew","fingerprint":HEX64,"publicKey":BASE64,"proof":BASE64}
struct renew_request {
    std::string fingerprint;
    std::string spki;
    std::string proof;
};
// {"id":3,"verb":"tokens"}
struct tokens_request {};
// {"id":4,"verb":"revoked","after":{"serial":HEX,"user":TEXT}}; `after` is the last answer's `next`
struct revoked_request {
    std::string after_serial;
    std::string after_user;
};
// {"id":5,"verb":"sign-anchor","bytes":BASE64}
struct anchor_request {
    std::string bytes;
};
// {"id":6,"verb":"gateway-certificate","hosts":[TEXT],"publicKey":BASE64}
struct gateway_request {
    std::vector<std::string> hosts;
    std::string spki;
};

struct signer_request {
    std::uint64_t id = 0;
    std::variant<enroll_request, renew_request, tokens_request, revoked_request, anchor_request, gateway_request> what;
};

struct signer_fault {
    std::uint64_t id = 0;  // 0: it could not be read
    std::string reason;
};

// Strict: every member of its kind, none missing, none unknown; hex in lower case, base64 in its one form.
boost::system::result<signer_request, signer_fault> read_signer_request(std::string_view packet);

// The other way, for the client and for tests.
std::string to_text(const signer_request& request);

// {"id":…,"ok":false,"code":…,"reason":…} with "log" where it differs from the reason.
std::string refusal_text(std::uint64_t id, std::string_view code, std::string_view reason, std::string_view log);

}  // namespace auth
