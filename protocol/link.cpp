#include "protocol/link.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace protocol {
namespace {

constexpr std::size_t offset_size = 8;
constexpr std::size_t max_data = link_max_payload - offset_size;

std::uint64_t read_big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

void append_big_endian(std::string& out, std::uint64_t value, unsigned size) {
    while (size-- > 0) out += static_cast<char>(value >> (8 * size) & 0xFF);
}

enum class content { object, offset, offset_and_bytes, opaque };

struct grammar {
    bool on_stream;  // else on the connection, stream 0
    content holds;
};

std::optional<grammar> grammar_of(frame_type type) {
    switch (type) {
        case frame_type::hello:
        case frame_type::goaway:
        case frame_type::list:
        case frame_type::components:
        case frame_type::resume:
        case frame_type::resumed:
            return grammar{false, content::object};
        case frame_type::open:
        case frame_type::verdict:
        case frame_type::reset:
        case frame_type::notice:
            return grammar{true, content::object};
        case frame_type::data:
            return grammar{true, content::offset_and_bytes};
        case frame_type::ack:
        case frame_type::end:
            return grammar{true, content::offset};
        case frame_type::ping:
        case frame_type::pong:
            return grammar{false, content::opaque};
    }
    return std::nullopt;
}

// Whether such a frame can be, from its header alone: nothing is buffered for one that cannot.
bool allowed(frame_type type, std::uint32_t stream, std::size_t length) {
    const auto rule = grammar_of(type);
    if (!rule || rule->on_stream != (stream != 0)) return false;
    switch (rule->holds) {
        case content::object:
            return length > 0 && length <= (type == frame_type::resume || type == frame_type::resumed ? link_max_payload : link_max_control);
        case content::offset_and_bytes:
            return length > offset_size && length <= link_max_payload;
        case content::offset:
        case content::opaque:
            return length == 8;
    }
    return false;
}

}  // namespace

void link_decoder::feed(std::string_view bytes) {
    if (!failed_) buffer_.append(bytes);
}

std::optional<link_frame> link_decoder::next(error_code& ec) {
    ec = failed_;
    if (failed_) return std::nullopt;

    const auto bytes = buffer_.view();
    if (bytes.size() < link_header_size) return std::nullopt;
    const auto type = static_cast<frame_type>(static_cast<unsigned char>(bytes[0]));
    const auto reserved = read_big_endian(bytes.substr(1, 3));
    const auto stream = static_cast<std::uint32_t>(read_big_endian(bytes.substr(4, 4)));
    const auto length = static_cast<std::size_t>(read_big_endian(bytes.substr(8, 4)));
    if (reserved != 0 || !allowed(type, stream, length)) {
        ec = failed_ = errc::bad_frame;
        return std::nullopt;
    }
    if (bytes.size() - link_header_size < length) return std::nullopt;
    buffer_.consume(link_header_size + length);
    return link_frame{type, stream, bytes.substr(link_header_size, length)};
}

void append_frame(std::string& out, frame_type type, std::uint32_t stream,
                  std::string_view payload) {
    assert(allowed(type, stream, payload.size()));
    append_big_endian(out, static_cast<std::uint8_t>(type), 1);
    append_big_endian(out, 0, 3);
    append_big_endian(out, stream, 4);
    append_big_endian(out, payload.size(), 4);
    out += payload;
}

void append_control(std::string& out, frame_type type, std::uint32_t stream, const json& body) {
    append_frame(out, type, stream, to_text(body));
}

void append_offset(std::string& out, frame_type type, std::uint32_t stream, std::uint64_t offset) {
    std::string payload;
    append_big_endian(payload, offset, offset_size);
    append_frame(out, type, stream, payload);
}

void append_data_header(std::string& out, std::uint32_t stream, std::uint64_t offset, std::size_t size) {
    assert(size > 0 && size <= max_data);
    std::array<char, link_header_size + offset_size> header{};
    const auto put = [&header](std::size_t end, std::uint64_t value, unsigned count) {
        for (; count > 0; --count, value >>= 8) header[--end] = static_cast<char>(value & 0xFF);
    };
    header[0] = static_cast<char>(frame_type::data);
    put(8, stream, 4);
    put(12, offset_size + size, 4);
    put(20, offset, 8);
    out.append(header.data(), header.size());
}

void append_data(std::string& out, std::uint32_t stream, std::uint64_t offset,
                 std::string_view bytes) {
    while (!bytes.empty()) {
        const auto part = bytes.substr(0, max_data);
        append_data_header(out, stream, offset, part.size());
        out += part;
        offset += part.size();
        bytes.remove_prefix(part.size());
    }
}

std::uint64_t read_offset(std::string_view payload) {
    assert(payload.size() >= offset_size);
    return read_big_endian(payload.substr(0, offset_size));
}

result<json> read_control(const link_frame& frame) {
    const auto rule = grammar_of(frame.type);
    if (!rule || rule->holds != content::object) return errc::bad_frame;
    auto body = parse_json(frame.payload, {.fold_keys = false});
    if (body && !body->is_object()) return errc::not_an_object;
    return body;
}

}  // namespace protocol
