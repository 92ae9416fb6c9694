#include "protocol/jsonc.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace protocol {
namespace {

constexpr int deepest = 64;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

void append_utf8(std::string& out, std::uint32_t c) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0 | (c >> 6));
        tail(0);
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0 | (c >> 12));
        tail(6), tail(0);
    } else {
        out += static_cast<char>(0xF0 | (c >> 18));
        tail(12), tail(6), tail(0);
    }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads with one token in sight; the first fault ends it.
class reader {
public:
    explicit reader(std::string_view text) : text_(text) {
        if (text_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
    }

    boost::system::result<jsonc, std::string> read() {
        using answer = boost::system::result<jsonc, std::string>;
        jsonc out;
        if (skip() && value(out, 0) && skip() && at_ != text_.size()) fail("there is more behind the end");
        if (!fault_.empty()) return answer(boost::system::in_place_error, std::move(fault_));
        return out;
    }

private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) {
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    bool fail(std::string_view what) {
        if (fault_.empty()) {
            const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())), '\n');
            fault_ = "line " + std::to_string(line) + ": " + std::string(what);
        }
        return false;
    }

    // White space and comments.
    bool skip() {
        for (;;) {
            while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
            const auto rest = text_.substr(at_);
            if (rest.starts_with("//")) {
                at_ += std::min(rest.find_first_of("\r\n"), rest.size());
            } else if (rest.starts_with("/*")) {
                const auto end = rest.find("*/", 2);
                if (end == rest.npos) return fail("a comment has no end");
                at_ += end + 2;
            } else {
                return true;
            }
        }
    }

    bool value(jsonc& out, int depth) {
        if (depth > deepest) return fail("nested too deep");
        out.begin = at_;
        bool fine = false;
        switch (peek()) {
            case '{': fine = container(out, jsonc::kind::object, '}', depth); break;
            case '[': fine = container(out, jsonc::kind::array, ']', depth); break;
            case '"':
                out.what = jsonc::kind::string;
                fine = string(out.text);
                break;
            default: fine = literal() || number();
        }
        out.end = at_;
        return fine;
    }

    bool container(jsonc& out, jsonc::kind kind, char close, int depth) {
        out.what = kind;
        ++at_;
        for (bool separated = true;; ) {
            if (!skip()) return false;
            if (take(close)) return distinct(out);
            if (at_ == text_.size()) return fail(kind == jsonc::kind::object ? "an object has no end" : "an array has no end");
            if (!separated) return fail("a comma is missing");
            jsonc::item item;
            item.begin = at_;
            if (kind == jsonc::kind::object) {
                if (peek() != '"') return fail("a name in quotes is missing");
                if (!string(item.key) || !skip()) return false;
                if (!take(':')) return fail("a colon is missing");
                if (!skip()) return false;
            }
            if (!value(item.value, depth + 1) || !skip()) return false;
            separated = peek() == ',';
            if (separated) item.comma = at_++;
            out.items.push_back(std::move(item));
        }
    }

    bool distinct(const jsonc& object) {
        std::vector<std::string_view> keys;
        for (const auto& item : object.items)
            if (object.what == jsonc::kind::object) keys.push_back(item.key);
        std::sort(keys.begin(), keys.end());
        const auto twice = std::adjacent_find(keys.begin(), keys.end());
        return twice == keys.end() || fail("\"" + std::string(*twice) + "\" is there twice in one object");
    }

    bool string(std::string& out) {
        for (++at_;;) {
            if (at_ == text_.size()) return fail("a string has no end");
            const char c = text_[at_];
            if (static_cast<unsigned char>(c) < 0x20) return fail("a string goes over the end of the line, or has a control character");
            ++at_;
            if (c == '"') return true;
            if (c != '\\')
                out += c;
            else if (!escape(out))
                return fail("a string has an escape that JSON does not know");
        }
    }

    bool escape(std::string& out) {
        constexpr std::string_view letters = "\"\\/bfnrt", meaning = "\"\\/\b\f\n\r\t";
        const char c = peek();
        if (const auto known = letters.find(c); c != '\0' && known != letters.npos) {
            ++at_;
            out += meaning[known];
            return true;
        }
        std::uint32_t code = 0, low = 0;
        if (!hexadecimal(code)) return false;
        if (code >= 0xD800 && code < 0xDC00 && peek() == '\\') {
            ++at_;
            if (!hexadecimal(low) || low < 0xDC00 || low > 0xDFFF) return false;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        if (code >= 0xD800 && code <= 0xDFFF) return false;
        append_utf8(out, code);
        return true;
    }

    bool hexadecimal(std::uint32_t& code) {  // uXXXX
        if (!take('u') || text_.size() - at_ < 4) return false;
        for (int i = 0; i < 4; ++i) {
            const char c = text_[at_++];
            const auto digit = std::string_view("0123456789abcdef").find(static_cast<char>(c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c));
            if (digit == std::string_view::npos) return false;
            code = code * 16 + static_cast<std::uint32_t>(digit);
        }
        return true;
    }

    bool literal() {
        for (const std::string_view word : {"true", "false", "null"}) {
            if (!text_.substr(at_).starts_with(word)) continue;
            at_ += word.size();
            return ended();
        }
        return false;
    }

    bool number() {
        const auto digits = [this] {
            const auto from = at_;
            while (is_digit(peek())) ++at_;
            return at_ > from;
        };
        const auto begin = at_;
        take('-');
        const bool zero = peek() == '0';
        const auto whole = at_;
        if (!digits() || (zero && at_ - whole > 1)) {
            at_ = begin;
            return fail("a value is missing, or is none that JSON knows");
        }
        if (take('.') && !digits()) return fail("a number ends in the middle");
        if (peek() == 'e' || peek() == 'E') {
            ++at_;
            if (!take('-')) take('+');
            if (!digits()) return fail("a number ends in the middle");
        }
        return ended();
    }

    // A word that goes on is another one.
    bool ended() {
        const char c = peek();
        const bool more = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-' || c == '+';
        return !more || fail("a value is none that JSON knows");
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string fault_;
};

}  // namespace

const jsonc* jsonc::find(std::string_view key) const {
    if (what != kind::object) return nullptr;
    const auto found = std::find_if(items.begin(), items.end(), [&](const item& one) { return one.key == key; });
    return found == items.end() ? nullptr : &found->value;
}

boost::system::result<jsonc, std::string> read_jsonc(std::string_view text) {
    using answer = boost::system::result<jsonc, std::string>;
    if (text.size() > longest_jsonc) return answer(boost::system::in_place_error, "it is longer than 4 MiB");
    if (!valid_utf8(text)) return answer(boost::system::in_place_error, "it is not UTF-8");
    return reader(text).read();
}

json to_json(const jsonc& value, std::string_view text) {
    switch (value.what) {
        case jsonc::kind::string: return value.text;
        case jsonc::kind::array: {
            json::array out;
            for (const auto& item : value.items) out.push_back(to_json(item.value, text));
            return out;
        }
        case jsonc::kind::object: {
            json::object out;
            for (const auto& item : value.items) out.emplace_back(item.key, to_json(item.value, text));
            return out;
        }
        case jsonc::kind::other: break;
    }
    const auto token = text.substr(value.begin, value.end - value.begin);
    if (token == "null") return nullptr;
    if (token == "true" || token == "false") return token == "true";
    return json::number{std::string(token)};
}

}  // namespace protocol
