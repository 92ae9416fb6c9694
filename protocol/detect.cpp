#include "protocol/detect.h"

namespace protocol {

result<std::optional<dialect>> detect(std::string_view first_bytes, std::size_t& skip) {
    // Delve looks at the very first byte only, so white space before a 'C' is JSON to it, and
    // wrong.
    skip = 0;
    if (first_bytes.starts_with('C')) return dialect::dap;
    const auto start = first_bytes.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos) {
        skip = first_bytes.size();
        return std::optional<dialect>();
    }
    skip = start;
    if (first_bytes[start] == '{') return dialect::rpc;
    return errc::unknown_protocol;
}

}  // namespace protocol
