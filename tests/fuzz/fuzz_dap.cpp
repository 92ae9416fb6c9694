// DAP requests: what is accepted is written as a frame that holds the same request.
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto request = protocol::parse_dap_request(fuzz::text(data, size));
    if (!request) return 0;
    const auto written =
        support::decode(protocol::frame_decoder(1 << 20), {protocol::encode(*request)});
    must(written.messages.size() == 1 && !written.error);
    const auto again = protocol::parse_dap_request(written.messages[0]);
    must(again && *again == *request);
    return 0;
}
