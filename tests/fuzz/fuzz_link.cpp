// Link frames: they do not depend on the cuts and are written back to the very bytes they came
// from.
#include "protocol/link.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto wire = fuzz::text(data, size);
    std::string again;
    for (const auto& frame : fuzz::decode(protocol::link_decoder(), wire).messages) again += frame;
    must(wire.starts_with(again));
    protocol::link_decoder decoder;
    decoder.feed(wire);
    protocol::error_code ec;
    while (auto frame = decoder.next(ec)) fuzz::check_control(*frame);
    return 0;
}
