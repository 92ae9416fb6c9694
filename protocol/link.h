// Frames of ALPN `delvegate/1`, what `delvegate connect` and the gateway speak (docs/protocol.md).
//
// Header, big-endian: type u8 · zero u8 · zero u16 · stream u32 · length u32; then `length` bytes.
// Control frames carry one JSON object; data and ack start with a u64 offset: the count of bytes of
// that direction before this frame's first (data), or dealt with by the receiver (ack).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/error.h"
#include "protocol/input_buffer.h"
#include "protocol/json.h"

namespace protocol {

enum class frame_type : std::uint8_t {
    hello = 1,    // both, stream 0, first frame: {"version":1,"agent":"delvegate/0.1.0",...}
    open = 2,     // client: {"component":"kube-scheduler"}; stream ids odd, rising
    verdict = 3,  // server, first frame on a stream: {"ok":true,"component","session"} or
                  //   {"ok":false,"code","reason","components":[...]}
    data = 4,     // both: u64 offset, bytes
    ack = 5,      // both: u64 offset
    end = 6,      // both: u64 offset: no more data from this side
    reset = 7,    // both: {"reason"}: the stream is gone at once
    ping = 8,     // both, stream 0: 8 opaque bytes
    pong = 9,     // both, stream 0: the same 8 bytes
    goaway = 10,  // server, stream 0: {"reason","seconds"}: opens are refused, streams end within that
    list = 11,    // client, stream 0: {}
    components = 12,  // server, stream 0: {"components":[{"name","state","detail"}]}
    resume = 13,      // client, stream 0, instead of the first open: {"link","streams":[{"stream","received"}]}
    notice = 15,      // server, on an open stream whose OPEN had "source": {"text"}: a line for the person at the client
    resumed = 14,     // server, stream 0: {"ok":bool,"reason","streams":[...]}
};

struct link_frame {
    frame_type type{};
    std::uint32_t stream = 0;
    std::string_view payload;  // into the decoder's buffer
};

constexpr std::size_t link_header_size = 12;
constexpr std::size_t link_max_payload = 256 * 1024 + 8;  // of a data frame, and of those that name all streams of a link
constexpr std::size_t link_max_control = 64 * 1024;       // of any other frame
constexpr std::size_t link_window = 1024 * 1024;          // unacknowledged bytes per stream and direction

class link_decoder {
public:
    void feed(std::string_view bytes);
    // Views into the buffer, valid until the next feed(). Errors (bad_frame) are final.
    std::optional<link_frame> next(error_code& ec);
    std::size_t buffered() const { return buffer_.size(); }

private:
    input_buffer buffer_;
    error_code failed_;
};

// The payload must be within the type's limit; append_data cuts longer data into several frames.
void append_frame(std::string& out, frame_type type, std::uint32_t stream, std::string_view payload);
void append_control(std::string& out, frame_type type, std::uint32_t stream, const json& body);
void append_offset(std::string& out, frame_type type, std::uint32_t stream, std::uint64_t offset);
// The header and offset of a data frame whose `size` bytes (1 to link_max_payload - 8) follow by themselves.
void append_data_header(std::string& out, std::uint32_t stream, std::uint64_t offset, std::size_t size);
void append_data(std::string& out, std::uint32_t stream, std::uint64_t offset, std::string_view bytes);
// The offset of a data, ack or end frame from the decoder (at least 8 bytes); the caller drops the
// first 8 bytes for the data.
std::uint64_t read_offset(std::string_view payload);
// The object of a control frame, parsed strictly. Errors: those of parse_json, errc::not_an_object,
// and errc::bad_frame for a frame that carries none.
result<json> read_control(const link_frame& frame);

}  // namespace protocol
