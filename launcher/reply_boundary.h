// Where one message of dlv ends and the next begins, in a stream that is passed on as it comes: between two of them
// the guard may put an answer of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/detect.h"

namespace launcher {

class reply_boundary {
public:
    explicit reply_boundary(protocol::dialect d) : dialect_(d) {}

    // Goes over the next bytes. The offset behind the last message that ends in them; nullopt when none does.
    // failed() when they are not dlv's protocol.
    std::optional<std::size_t> pass(std::string_view bytes);
    bool between() const { return between_; }
    bool failed() const { return failed_; }

private:
    std::optional<std::size_t> pass_frames(std::string_view bytes);
    protocol::dialect dialect_;
    std::string header_;          // of a DAP message, until it is whole
    std::uint64_t body_left_ = 0;
    bool between_ = true;
    bool failed_ = false;
};

}  // namespace launcher
