// Sniffing: the answer does not change with more bytes, and only white space is skipped.
#include "protocol/detect.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text(data, size);
    std::size_t skip = 0;
    const auto all = protocol::detect(text, skip);
    must(skip <= size && text.substr(0, skip).find_first_not_of(" \t\r\n") == text.npos);
    for (std::size_t some = 0, skipped = 0; some < size; ++some) {
        const auto early = protocol::detect(text.substr(0, some), skipped);
        must(early && !*early ? skipped == some : early == all);
    }
    return 0;
}
