// The Debug Adapter Protocol as values and frames.
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

struct dap_request {
    std::int64_t seq = 0;
    std::string command;
    json arguments;  // null when absent
    bool operator==(const dap_request&) const = default;
};

// `Content-Length: N\r\n\r\n` + N bytes. More tolerant than go-dap in what harms nobody (any case of
// the header name, further headers such as Content-Type), stricter in what could be read two ways
// (two lengths, a sign, a leading zero, white space inside the number, bare LF).
class frame_decoder {
public:
    explicit frame_decoder(std::size_t max_body) : max_body_(max_body) {}
    void feed(std::string_view bytes);
    // One body; valid until the next feed(). nullopt without error: needs more. Errors are final.
    std::optional<std::string_view> next(error_code& ec);
    std::size_t buffered() const { return buffer_.size(); }

private:
    std::optional<std::string_view> fail(error_code& ec, error_code why);
    std::size_t max_body_;
    input_buffer buffer_;
    std::size_t scan_ = 0;  // bytes of the header already searched for a line's end
    std::optional<std::size_t> body_length_;
    error_code failed_;
};

// A header block, for replies from dlv that are passed on as they arrive: sizes without a body limit.
struct frame_head {
    std::size_t header = 0;  // bytes up to and including the empty line
    std::uint64_t body = 0;  // Content-Length
    bool operator==(const frame_head&) const = default;
};
result<std::optional<frame_head>> read_frame_head(std::string_view bytes);

// The beginning of a DAP message from dlv (go-dap encodes seq, type first; a response then has
// request_seq), so that a large response can be passed on with its numbers replaced.
struct dap_message_head {
    bool is_response = false;        // else an event
    std::int64_t request_seq = 0;    // of a response
    std::size_t prefix = 0;          // bytes up to and including request_seq's (or seq's) last digit
};
// Needs at least the first 128 bytes of the body, or all of it.
result<dap_message_head> read_dap_message_head(std::string_view body_start);

// Reads a request as go-dap does; a "response" or "event" from a client is errc::wrong_type.
result<dap_request> parse_dap_request(std::string_view body, std::size_t max_depth = 64);

std::string frame(std::string_view body);  // header + body
// What follows are whole frames, ready for the wire.
std::string encode(const dap_request& request);
// body: null = absent
std::string encode_dap_response(std::int64_t seq, const dap_request& to, const json& body);
// Delve's own shape (an empty detail: format is the summary alone): message = summary, body.error{id, format "summary: detail", showUser}.
std::string encode_dap_error(std::int64_t seq, const dap_request& to, int id, std::string_view summary,
                             std::string_view detail, bool show_user);
std::string encode_dap_event(std::int64_t seq, std::string_view event, const json& body);

}  // namespace protocol
