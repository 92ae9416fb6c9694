#include "gateway/printable.h"

#include "protocol/json.h"

namespace gateway {

std::string printable(std::string_view text) {
    const bool utf8 = protocol::valid_utf8(text);
    std::string out(text);
    for (char& c : out) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) c = ' ';
        if (byte >= 0x80 && !utf8) c = '?';
    }
    return out;
}

}  // namespace gateway
