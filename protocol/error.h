// Every way a client's or dlv's bytes can be wrong, as one error category.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace protocol {

using error_code = boost::system::error_code;
template <class T>
using result = boost::system::result<T>;

enum class errc {
    malformed_json = 1,     // not one JSON value by RFC 8259
    invalid_utf8,           // a string is not valid UTF-8, or escapes half a surrogate pair
    too_deep,               // nested deeper than the limit
    ambiguous_key,          // two keys of one object that Go's encoding/json would take for the same
    not_an_object,          // a request must be a JSON object
    message_too_large,      // longer than the limit for its protocol and direction
    malformed_header,       // a DAP header line that is not `Name: value\r\n`
    header_too_large,       // DAP header block longer than 4 KiB
    bad_content_length,     // Content-Length missing, twice, signed, with a leading zero, or not a number
    wrong_type,             // a member has a type dlv would not decode, or would decode otherwise
    missing_member,         // a member that the operation cannot do without is absent
    unknown_protocol,       // the first byte is neither DAP's nor JSON-RPC's
    bad_id,                 // a JSON-RPC id that is not a number, a string or null
    bad_frame,              // a link frame that breaks docs/protocol.md
    bad_reply,              // dlv answered in a form the gateway does not know
};

const boost::system::error_category& category();
inline error_code make_error_code(errc e) { return {static_cast<int>(e), category()}; }

}  // namespace protocol

template <>
struct boost::system::is_error_code_enum<protocol::errc> : std::true_type {};
