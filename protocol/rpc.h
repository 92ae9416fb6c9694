// Delve's JSON-RPC (Go net/rpc/jsonrpc) as values: requests from IDEs, replies to them.
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

struct rpc_request {
    json id;             // number (token kept), string or null
    std::string method;  // e.g. "RPCServer.State"
    json params;         // params[0]; null when absent
    bool operator==(const rpc_request&) const = default;
};

// Cuts a byte stream into top-level JSON objects: Go's jsonrpc codec has no framing, only
// concatenated values with optional white space between them. Bounded and resumable:
// feed() bytes as they come, then next() until it yields nothing.
class value_splitter {
public:
    explicit value_splitter(std::size_t max_bytes) : max_bytes_(max_bytes) {}
    void feed(std::string_view bytes);
    // One complete object's text; valid until the next feed(). nullopt without error: needs more.
    // Errors (not_an_object, message_too_large) are final.
    std::optional<std::string_view> next(error_code& ec);
    std::size_t buffered() const { return buffer_.size(); }

private:
    std::optional<std::string_view> fail(error_code& ec, errc e);
    bool scan(std::string_view text);
    std::size_t max_bytes_;
    input_buffer buffer_;
    std::size_t scan_ = 0;   // first byte of the buffer not yet looked at
    std::size_t depth_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
    error_code failed_;
};

// Reads one request as Go's server codec does (keys in any case, once; unknown keys ignored), and
// refuses what Go could read otherwise. `params` must be absent, null, [] or an array whose first
// element is taken.
result<rpc_request> parse_rpc_request(std::string_view text, std::size_t max_depth = 64);

// `{"method":…,"params":[…],"id":…}` + newline: what Go's client would have written.
std::string encode(const rpc_request& request);
std::string encode_rpc_result(const json& id, const json& result);
std::string encode_rpc_error(const json& id, std::string_view message);

// dlv's replies are one line each, `{"id":N,"result":…,"error":…}` (json.Encoder). This reads only
// the beginning, so that a reply of any size can be passed on as it arrives: the caller replaces the
// first `prefix` bytes by its own `{"id":<client's id>`.
struct rpc_reply_head {
    std::uint64_t id = 0;
    std::size_t prefix = 0;  // bytes up to and including the id's last digit
    bool operator==(const rpc_reply_head&) const = default;
};
// nullopt: needs more bytes. errc::bad_reply: not in that form.
result<std::optional<rpc_reply_head>> read_rpc_reply_head(std::string_view line_start);

}  // namespace protocol
