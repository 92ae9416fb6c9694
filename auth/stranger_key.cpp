#include "auth/stranger_key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "auth/signing_request.h"

namespace auth {

namespace {

constexpr int largest_rsa = 8192;  // a verification above costs us more than its sender

std::string curve_fault(const EVP_PKEY* key) {
    // A curve that comes with the key can be one on which anybody can sign.
    int explicit_curve = 0;
    std::array<char, 64> group{};
    std::size_t size = 0;
    static constexpr std::array<std::string_view, 3> known{"prime256v1", "secp384r1", "secp521r1"};
    const bool ours =
        EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_curve) == 1 &&
        explicit_curve == 0 && EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
        std::find(known.begin(), known.end(), std::string_view(group.data(), size)) != known.end();
    return ours ? "" : "its elliptic curve is none of P-256, P-384 and P-521";
}

std::string fault_of(EVP_PKEY* key) {
    if (auto weak = weakness(key); !weak.empty()) return "it " + weak;
    switch (EVP_PKEY_get_base_id(key)) {
        case EVP_PKEY_RSA:
            return EVP_PKEY_get_bits(key) > largest_rsa ? "it has more than 8192 bits" : "";
        case EVP_PKEY_EC: {
            if (auto fault = curve_fault(key); !fault.empty()) return fault;
            openssl_ptr<EVP_PKEY_CTX> check(EVP_PKEY_CTX_new(key, nullptr));
            return check && EVP_PKEY_public_check(check.get()) == 1 ? "" : "it is not a point of its curve";
        }
        case EVP_PKEY_ED25519:
            return {};
        default:
            return "it is neither RSA, EC nor Ed25519";
    }
}

}  // namespace

outcome<key_ptr> read_public_key(std::string_view der) {
    const auto failed = [](std::string why) {
        ERR_clear_error();
        return outcome<key_ptr>(boost::system::in_place_error, std::move(why));
    };
    if (der.empty() || der.size() > max_public_key) return failed("the public key is empty or too large");
    ERR_clear_error();
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const auto* end = at + der.size();
    key_ptr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
    // Written again it must be the same: what is recorded by its hash has one form.
    if (!key || at != end || spki_of(key.get()) != der)
        return failed("the public key is malformed, or of an unknown kind");
    if (auto fault = fault_of(key.get()); !fault.empty()) return failed("the public key is refused: " + fault);
    ERR_clear_error();
    return key;
}

}  // namespace auth
