// The judge: a pure function, and what it would forward is judged the same and changed no more.
#include "protocol/operations.h"
#include "tests/fuzz/judging.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text(data, size);
    if (const auto request = protocol::parse_rpc_request(text)) fuzz::check_judged(*request);
    if (const auto request = protocol::parse_dap_request(text)) fuzz::check_judged(*request);
    return 0;
}
