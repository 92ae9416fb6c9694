#include "gateway/utf8_lossy.h"

#include <algorithm>
#include <utility>

#include "protocol/json.h"

namespace gateway {

namespace {

std::size_t length_by_lead(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead < 0xE0) return 2;
    if (lead >= 0xE0 && lead < 0xF0) return 3;
    if (lead >= 0xF0 && lead < 0xF5) return 4;
    return 0;
}

}  // namespace

std::string utf8_lossy(std::string_view bytes, std::string& tail) {
    auto all = std::exchange(tail, {});
    all += bytes;
    std::string out;
    out.reserve(all.size());
    for (std::size_t i = 0; i < all.size();) {
        auto size = length_by_lead(static_cast<unsigned char>(all[i]));
        if (size == 1) {
            out += all[i++];
            continue;
        }
        auto rest = std::string_view(all).substr(i);
        if (size > rest.size() && std::all_of(rest.begin() + 1, rest.end(), [](char c) {
                return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
            })) {
            tail = rest;
            break;
        }
        if (size != 0 && size <= rest.size() && protocol::valid_utf8(rest.substr(0, size))) {
            out += rest.substr(0, size);
            i += size;
        } else {
            out += "\xEF\xBF\xBD";
            ++i;
        }
    }
    return out;
}

}  // namespace gateway
