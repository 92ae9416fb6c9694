// What the fuzz targets share. Each target states a property in a few lines; `must` ends the
// program where one does not hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/support/pieces.h"

namespace fuzz {

inline void must_hold(bool holds, const char* property, const char* file, int line) {
    if (holds) return;
    std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, property);
    std::abort();
}
#define must(property) ::fuzz::must_hold(static_cast<bool>(property), #property, __FILE__, __LINE__)

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// What a decoder makes of the wire, having made sure that it makes the same of it however it comes.
template <class Decoder>
support::decoded decode(const Decoder& decoder, std::string_view wire) {
    auto all = support::decode(decoder, support::whole(wire));
    must(support::decode(decoder, support::chunks(wire, 1)) == all);
    // Every cut of a small input; of a large one, cuts spread by a stride that is no power of two.
    for (std::size_t at = 1; at < wire.size(); at += 1 + wire.size() / 37)
        must(support::decode(decoder, support::cut(wire, at)) == all);
    return all;
}

// Everything of a JSON text but white space and what is inside its strings: structure, literals and
// number tokens.
inline std::string outside_strings(std::string_view json) {
    std::string rest;
    for (std::size_t at = 0; at < json.size(); ++at) {
        if (json[at] == '"')
            while (json[++at] != '"') at += json[at] == '\\';
        if (std::string_view(" \t\r\n").find(json[at]) == std::string_view::npos) rest += json[at];
    }
    return rest;
}

// A reader of beginnings asks for more, then keeps its word: whatever follows, the answer stays.
template <class Read, class Check>
void check_growing(std::string_view text, Read read, Check check) {
    const auto all = read(text);
    if (all && *all) check(**all);
    for (std::size_t some = 0; some < text.size(); ++some) {
        const auto early = read(text.substr(0, some));
        if (!early || *early) must(early == all);
    }
}

// A control frame's object, written again, is the same object.
inline void check_control(const protocol::link_frame& frame) {
    const auto body = protocol::read_control(frame);
    if (!body) return;
    std::string wire;
    protocol::append_control(wire, frame.type, frame.stream, *body);
    protocol::link_decoder decoder;
    decoder.feed(wire);
    protocol::error_code ec;
    const auto again = decoder.next(ec);
    must(again && protocol::read_control(*again).value() == *body);
}

}  // namespace fuzz
