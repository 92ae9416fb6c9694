#include "auth/enrollment_request.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "auth/armor.h"
#include "auth/signing_request.h"
#include "protocol/json.h"

namespace auth {

namespace {

using protocol::json;

constexpr std::size_t max_proof = 2048;  // bytes; RSA of 8192 bits has 1024

// An object of exactly two strings.
struct two_strings {
    two_strings() = default;
    std::string first;
    std::string second;
};
outcome<two_strings> read(std::string_view body, std::string_view first, std::string_view second) {
    const std::string wanted =
        "the request must be {\"" + std::string(first) + "\",\"" + std::string(second) + "\"}, two strings";
    if (body.size() > max_enrollment_request) return std::string("the request is too large");
    auto parsed = protocol::parse_json(body, {.max_depth = 2, .fold_keys = true});
    if (!parsed || !parsed->if_object() || parsed->if_object()->size() != 2) return wanted;
    json* a = parsed->find(first);
    json* b = parsed->find(second);
    if (!a || !b || !a->is_string() || !b->is_string()) return wanted;
    two_strings out;
    out.first = *a->if_string();
    out.second = *b->if_string();
    for (auto& [key, value] : *parsed->if_object()) {
        auto& text = const_cast<std::string&>(*value.if_string());
        OPENSSL_cleanse(text.data(), text.size());
    }
    return out;
}

}  // namespace

bool can_be_token(std::string_view text) {
    return !text.empty() && text.size() <= max_token &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

outcome<enrollment_request> read_enrollment_request(std::string_view body) {
    auto given = read(body, "token", "csr");
    if (!given) return given.error();
    enrollment_request out;
    const bool possible = can_be_token(given->first);
    if (possible) out.token_hash = sha256_hex(given->first);
    OPENSSL_cleanse(given->first.data(), given->first.size());
    if (!possible) return std::string("the token is not one: 1 to 256 visible ASCII characters");
    auto key = read_signing_request(given->second);
    if (!key) return key.error();
    out.spki = std::move(key->spki);
    return out;
}

outcome<renewal_request> read_renewal_request(std::string_view body) {
    auto given = read(body, "csr", "proof");
    if (!given) return given.error();
    auto proof = from_base64(given->second);
    if (!proof || proof->empty() || proof->size() > max_proof) return std::string("the proof is not a signature in base64");
    auto key = read_signing_request(given->first);
    if (!key) return key.error();
    renewal_request out;
    out.spki = std::move(key->spki);
    out.proof = std::move(*proof);
    return out;
}

}  // namespace auth
