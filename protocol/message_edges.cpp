#include "protocol/message_edges.h"

#include <algorithm>
#include <utility>

#include "protocol/dap.h"
#include "protocol/string_scan.h"

namespace protocol {
namespace {

constexpr std::string_view white_space = " \t\r\n";

}  // namespace

std::size_t message_edges::take(std::string_view bytes, error_code& ec) {
    ec = failed_;
    if (failed_ || bytes.empty()) return 0;
    const std::size_t taken = dialect_ == dialect::dap ? take_frame(bytes, ec) : take_value(bytes, ec);
    failed_ = ec;
    return ec ? 0 : taken;
}

std::size_t message_edges::take_frame(std::string_view bytes, error_code& ec) {
    std::size_t taken = 0;
    if (left_ == 0) {
        ended_ = false;
        header_ = 0;
        const std::size_t before = head_.size();
        // Nearly every header comes whole.
        if (before > 0) head_ += bytes;
        const auto head = read_frame_head(before > 0 ? std::string_view(head_) : bytes);
        if (!head) return ec = head.error(), 0;
        if (!*head) {
            if (before == 0) head_ = bytes;
            return bytes.size();
        }
        head_.clear();
        header_ = (*head)->header;
        left_ = (*head)->body;
        taken = header_ - before;
    }
    const auto body = std::min<std::uint64_t>(left_, bytes.size() - taken);
    left_ -= body;
    ended_ = left_ == 0;
    return taken + static_cast<std::size_t>(body);
}

std::size_t message_edges::take_value(std::string_view bytes, error_code& ec) {
    std::size_t at = 0;
    if (depth_ == 0) {
        at = std::min(bytes.find_first_not_of(white_space), bytes.size());
        if (at > 0) return ended_ = true, at;
        if (bytes[0] != '{') return ec = errc::not_an_object, 0;
        ended_ = false;
    }
    while (at < bytes.size()) {
        if (std::exchange(escaped_, false)) {
            ++at;
        } else if (in_string_) {
            at = find_quote_or_escape(bytes, at);
            if (at == bytes.size()) break;
            if (bytes[at++] == '"')
                in_string_ = false;
            else
                escaped_ = true;
        } else {
            switch (bytes[at++]) {
                case '"': in_string_ = true; break;
                case '{':
                case '[': ++depth_; break;
                case '}':
                case ']':
                    if (--depth_ > 0) break;
                    ended_ = true;
                    // With the line's end that Go writes behind it.
                    return std::min(bytes.find_first_not_of(white_space, at), bytes.size());
                default: break;
            }
        }
    }
    return at;
}

}  // namespace protocol
