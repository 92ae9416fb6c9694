// JSON: what is accepted is written out as a text that means the same, number tokens included.
#include "protocol/json.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto value = protocol::parse_json(fuzz::text(data, size));
    if (!value) return 0;
    const auto written = protocol::to_text(*value);
    const auto again = protocol::parse_json(written);
    must(again && *again == *value && protocol::to_text(*again) == written);
    must(fuzz::outside_strings(fuzz::text(data, size)) == fuzz::outside_strings(written));
    return 0;
}
