// Where messages end in a stream of either protocol, without keeping them: for who passes bytes on and must know what is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/detect.h"
#include "protocol/error.h"

namespace protocol {

class message_edges {
public:
    explicit message_edges(dialect of) : dialect_(of) {}

    // How many of the bytes belong to the message that is going on or that begins with them: up to its end, or all of them;
    // ended() then tells which. White space between JSON values is a message that ends at once. Errors are final:
    // nothing is taken any more.
    std::size_t take(std::string_view bytes, error_code& ec);
    bool ended() const { return ended_; }
    // Of DAP: bytes of the header of the message that has just ended, or whose body has begun; else 0.
    std::size_t header() const { return header_; }

private:
    std::size_t take_frame(std::string_view bytes, error_code& ec);
    std::size_t take_value(std::string_view bytes, error_code& ec);

    dialect dialect_;
    bool ended_ = true;
    error_code failed_;
    // DAP
    std::string head_;           // of a header that has come in part
    std::size_t header_ = 0;
    std::uint64_t left_ = 0;     // of the body
    // JSON-RPC
    std::size_t depth_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
};

}  // namespace protocol
