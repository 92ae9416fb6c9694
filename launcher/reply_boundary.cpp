#include "launcher/reply_boundary.h"

#include <algorithm>

#include "protocol/dap.h"

namespace launcher {

std::optional<std::size_t> reply_boundary::pass(std::string_view bytes) {
    if (bytes.empty() || failed_) return std::nullopt;
    if (dialect_ == protocol::dialect::dap) return pass_frames(bytes);
    // One line each (json.Encoder).
    between_ = bytes.back() == '\n';
    const auto newline = bytes.rfind('\n');
    if (newline == std::string_view::npos) return std::nullopt;
    return newline + 1;
}

std::optional<std::size_t> reply_boundary::pass_frames(std::string_view bytes) {
    std::optional<std::size_t> last;
    for (std::size_t at = 0; at < bytes.size();) {
        if (body_left_ > 0) {
            const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, bytes.size() - at));
            at += part;
            body_left_ -= part;
            between_ = body_left_ == 0;
            if (between_) last = at;
            continue;
        }
        between_ = false;
        // A header is short and ends with an empty line; what comes behind it is not taken for a part of it.
        const auto newline = bytes.find('\n', at);
        const auto end = newline == std::string_view::npos ? bytes.size() : newline + 1;
        header_.append(bytes.substr(at, end - at));
        at = end;
        const auto head = protocol::read_frame_head(header_);
        if (!head) {
            failed_ = true;
            return last;
        }
        if (!*head) continue;
        body_left_ = (*head)->body;
        header_.clear();
    }
    return last;
}

}  // namespace launcher
