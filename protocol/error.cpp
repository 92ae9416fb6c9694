#include "protocol/error.h"

#include <string>

namespace protocol {
namespace {

class protocol_category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "protocol"; }

    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
            case errc::malformed_json:
                return "not one well-formed JSON value";
            case errc::invalid_utf8:
                return "a string is not valid UTF-8";
            case errc::too_deep:
                return "JSON nested too deeply";
            case errc::ambiguous_key:
                return "two keys of one object would be taken for the same";
            case errc::not_an_object:
                return "a JSON object was expected";
            case errc::message_too_large:
                return "message too large";
            case errc::malformed_header:
                return "malformed DAP header";
            case errc::header_too_large:
                return "DAP header too large";
            case errc::bad_content_length:
                return "bad or missing Content-Length";
            case errc::wrong_type:
                return "a member has the wrong type";
            case errc::missing_member:
                return "a required member is missing";
            case errc::unknown_protocol:
                return "neither DAP nor JSON-RPC";
            case errc::bad_id:
                return "the id must be a number, a string or null";
            case errc::bad_frame:
                return "malformed link frame";
            case errc::bad_reply:
                return "dlv answered in an unknown form";
        }
        return "unknown protocol error";
    }
};

}  // namespace

const boost::system::error_category& category() {
    static const protocol_category instance;
    return instance;
}

}  // namespace protocol
