// DAP framing: the bodies do not depend on the cuts, and framed again they are the same bodies.
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const protocol::frame_decoder decoder(4096);
    const auto bodies = fuzz::decode(decoder, fuzz::text(data, size)).messages;
    std::string wire;
    for (const auto& body : bodies) wire += protocol::frame(body);
    const support::decoded expected{bodies, {}};
    must(support::decode(decoder, support::whole(wire)) == expected);
    return 0;
}
