// A decoder fed its input in pieces: what came out must not depend on how it went in.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/dap.h"
#include "protocol/link.h"
#include "protocol/rpc.h"

namespace support {

struct decoded {
    std::vector<std::string> messages;
    protocol::error_code error;
    bool operator==(const decoded&) const = default;
};

inline std::string text_of(std::string_view message) { return std::string(message); }
inline std::string text_of(const protocol::link_frame& frame) {
    std::string text;
    protocol::append_frame(text, frame.type, frame.stream, frame.payload);
    return text;
}

template <class Decoder>
decoded decode(Decoder decoder, const std::vector<std::string_view>& pieces) {
    decoded out;
    for (const auto piece : pieces) {
        decoder.feed(piece);
        while (auto message = decoder.next(out.error)) out.messages.push_back(text_of(*message));
    }
    return out;
}

inline std::vector<std::string_view> whole(std::string_view wire) { return {wire}; }
inline std::vector<std::string_view> cut(std::string_view wire, std::size_t at) {
    return {wire.substr(0, at), wire.substr(at)};
}
inline std::vector<std::string_view> chunks(std::string_view wire, std::size_t size) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < wire.size(); at += size) pieces.push_back(wire.substr(at, size));
    return pieces;
}

}  // namespace support
