// The identity of a certificate nobody has verified: names that are read are fit for a log line and a
// policy, whatever the bytes.
#include "auth/identity.h"
#include "auth/spiffe.h"
#include "protocol/json.h"
#include "tests/fuzz/fuzz.h"

namespace {

void check_name(std::string_view name) {
    must(!name.empty() && name.size() <= 256);
    must(protocol::valid_utf8(name));
    for (const char c : name) must(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto der = fuzz::text(data, size);
    const auto who = auth::identify_der(der);
    if (!who) {
        must(!who.error().empty());
        must(who.error().find('\n') == std::string::npos);
        return 0;
    }
    check_name(who->user);
    must(who->groups.size() <= 64);
    for (const auto& group : who->groups) check_name(group);
    must(auth::looks_like_spiffe(who->user) == who->spiffe);
    must(!who->spiffe || auth::spiffe_fault(who->user).empty());
    must(who->fingerprint.size() == 64);
    must(who->issuer.find('\n') == std::string::npos);
    must(auth::canonical_serial(who->serial) == who->serial || who->serial.starts_with('-'));
    return 0;
}
