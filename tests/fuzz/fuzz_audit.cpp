// The audit's reader: what it takes as a record or an anchor it writes back to the same bytes; a chain
// that it finds sound has every hash right and every sequence explained; nothing makes it fall over.
#include "auth/audit_chain.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest = fuzz::text(data, size);
    auth::audit_chain chain({});
    chain.begin_file("fuzz");
    bool sound = true;
    std::uint64_t last = 0;
    std::uint64_t records = 0;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (const auto anchor = auth::parse_anchor_line(line)) must(to_anchor_line(*anchor) == line);
        const auto entry = auth::parse_audit_line(line);
        if (entry) {
            must(to_audit_line(*entry) == line);
            must(line.size() <= auth::max_audit_line);
            sound = sound && entry->hash_fits && (last == 0 || entry->sequence == last + std::max<std::uint64_t>(1, entry->lost));
            last = entry->sequence;
            ++records;
        }
        sound = sound && entry;
        chain.line(line);
    }
    const auto sum = chain.finish();
    must(sum.records == records);
    if (sum.faults.empty()) must(sound);
    must(sum.faults.size() <= 100);
    return 0;
}
