// The signer's requests: what is read is written back and read as the same; and a certificate's names are
// never among it.
#include "auth/signer_message.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto packet = fuzz::text(data, size);
    const auto request = auth::read_signer_request(packet);
    if (!request) {
        must(!request.error().reason.empty());
        must(request.error().reason.find('\n') == std::string::npos);
        return 0;
    }
    const auto text = auth::to_text(*request);
    must(text.size() <= auth::max_signer_packet);
    const auto again = auth::read_signer_request(text);
    must(again && auth::to_text(*again) == text);
    if (const auto* anchor = std::get_if<auth::anchor_request>(&request->what))
        must(anchor->bytes.starts_with(auth::anchor_label) && anchor->bytes.size() <= auth::max_anchor);
    if (const auto* enroll = std::get_if<auth::enroll_request>(&request->what)) must(enroll->token_hash.size() == 64);
    return 0;
}
