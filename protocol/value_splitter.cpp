#include <utility>

#include "protocol/rpc.h"
#include "protocol/string_scan.h"

namespace protocol {

void value_splitter::feed(std::string_view bytes) {
    if (!failed_) buffer_.append(bytes);
}

std::optional<std::string_view> value_splitter::fail(error_code& ec, errc e) {
    ec = failed_ = e;
    return std::nullopt;
}

std::optional<std::string_view> value_splitter::next(error_code& ec) {
    ec = failed_;
    if (failed_) return std::nullopt;

    if (depth_ == 0) {
        const auto start = buffer_.view().find_first_not_of(" \t\r\n");
        buffer_.consume(start == std::string_view::npos ? buffer_.size() : start);
        if (buffer_.size() == 0) return std::nullopt;
        if (buffer_.view().front() != '{') return fail(ec, errc::not_an_object);
    }
    const auto text = buffer_.view();
    const bool complete = scan(text);
    // An unfinished value of the maximal size can only become too large.
    if (scan_ > max_bytes_ || (!complete && scan_ == max_bytes_))
        return fail(ec, errc::message_too_large);
    if (!complete) return std::nullopt;
    buffer_.consume(scan_);
    return text.substr(0, std::exchange(scan_, 0));
}

// Moves scan_ to the end of the value or of the text; true at the end of the value. Whether
// brackets match is the parser's to say: it sees all that was counted here.
bool value_splitter::scan(std::string_view text) {
    while (scan_ < text.size()) {
        if (escaped_) {
            escaped_ = false;
            ++scan_;
        } else if (in_string_) {
            scan_ = find_quote_or_escape(text, scan_);
            if (scan_ == text.size()) return false;
            if (text[scan_++] == '"')
                in_string_ = false;
            else
                escaped_ = true;
        } else {
            switch (text[scan_++]) {
                case '"':
                    in_string_ = true;
                    break;
                case '{':
                case '[':
                    ++depth_;
                    break;
                case '}':
                case ']':
                    if (--depth_ == 0) return true;
                    break;
                default:
                    break;
            }
        }
    }
    return false;
}

}  // namespace protocol
