// DAP's framing, in both directions.
#include <charconv>
#include <limits>

#include "protocol/dap.h"

namespace protocol {
namespace {

constexpr std::size_t max_header = 4096;

bool is_token_char(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_content_length(std::string_view name) {
    constexpr std::string_view wanted = "content-length";
    if (name.size() != wanted.size()) return false;
    for (std::size_t i = 0; i < name.size(); ++i)
        if ((name[i] | 0x20) != wanted[i]) return false;
    return true;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

result<std::uint64_t> read_length(std::string_view digits, std::uint64_t max_body) {
    // Zero bytes cannot be a message.
    if (digits.empty() || digits.front() == '0') return errc::bad_content_length;
    if (digits.find_first_not_of("0123456789") != std::string_view::npos)
        return errc::bad_content_length;
    std::uint64_t length = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (ec != std::errc() || length > max_body) return errc::message_too_large;
    return length;
}

// A pure function of the first 4 KiB: what it says of a block does not depend on how the block came
// in, because lines are judged in order and each as soon as it is whole.
result<std::optional<frame_head>> read_header(std::string_view bytes, std::uint64_t max_body) {
    const auto block = bytes.substr(0, max_header);
    std::optional<std::uint64_t> length;
    for (std::size_t begin = 0;;) {
        const auto newline = block.find('\n', begin);
        if (newline == std::string_view::npos) {
            if (block.size() == max_header) return errc::header_too_large;
            return std::optional<frame_head>();
        }
        const auto next = newline + 1;
        auto line = block.substr(begin, newline - begin);
        if (!line.ends_with('\r')) return errc::malformed_header;
        line.remove_suffix(1);
        if (line.empty()) {
            if (!length) return errc::bad_content_length;
            return frame_head{.header = next, .body = *length};
        }
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) return errc::malformed_header;
        const auto name = line.substr(0, colon);
        for (const char c : name)
            if (!is_token_char(c)) return errc::malformed_header;
        const auto value = trimmed(line.substr(colon + 1));
        for (const char c : value)
            if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
                return errc::malformed_header;
        if (is_content_length(name)) {
            if (length) return errc::bad_content_length;
            const auto read = read_length(value, max_body);
            if (!read) return read.error();
            length = *read;
        }
        begin = next;
    }
}

}  // namespace

void frame_decoder::feed(std::string_view bytes) {
    if (!failed_) buffer_.append(bytes);
}

std::optional<std::string_view> frame_decoder::fail(error_code& ec, error_code why) {
    ec = failed_ = why;
    return std::nullopt;
}

std::optional<std::string_view> frame_decoder::next(error_code& ec) {
    ec = failed_;
    if (failed_) return std::nullopt;

    const auto bytes = buffer_.view();
    if (!body_length_) {
        // Reading the block again only when it has a new line keeps slow senders cheap.
        const bool news = bytes.find('\n', scan_) != std::string_view::npos;
        scan_ = bytes.size();
        if (!news && bytes.size() < max_header) return std::nullopt;
        const auto head = read_header(bytes, max_body_);
        if (!head) return fail(ec, head.error());
        if (!*head) return std::nullopt;
        buffer_.consume((*head)->header);
        body_length_ = static_cast<std::size_t>((*head)->body);
    }
    if (buffer_.size() < *body_length_) return std::nullopt;
    const auto body = buffer_.view().substr(0, *body_length_);
    buffer_.consume(body.size());
    body_length_.reset();
    scan_ = 0;
    return body;
}

result<std::optional<frame_head>> read_frame_head(std::string_view bytes) {
    return read_header(bytes, std::numeric_limits<std::uint64_t>::max());
}

std::string frame(std::string_view body) {
    std::string out = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    out += body;
    return out;
}

}  // namespace protocol
