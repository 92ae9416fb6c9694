// JSON-RPC: requests do not depend on the cuts, and written again they are the same requests.
#include "protocol/rpc.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const protocol::value_splitter splitter(4096);
    for (const auto& text : fuzz::decode(splitter, fuzz::text(data, size)).messages) {
        const auto request = protocol::parse_rpc_request(text);
        if (!request) continue;
        const auto written =
            fuzz::decode(protocol::value_splitter(65536), protocol::encode(*request));
        must(written.messages.size() == 1 && !written.error);
        const auto again = protocol::parse_rpc_request(written.messages[0]);
        must(again && *again == *request);
    }
    return 0;
}
