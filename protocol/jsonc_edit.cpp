#include "protocol/jsonc_edit.h"

#include <algorithm>

namespace protocol {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view line_end_of(std::string_view text) {
    const auto first = text.find('\n');
    return first != text.npos && first > 0 && text[first - 1] == '\r' ? "\r\n" : "\n";
}

// White space at the beginning of the line that `at` is in.
std::string_view indent_at(std::string_view text, std::size_t at) {
    const auto before = at == 0 ? text.npos : text.find_last_of("\r\n", at - 1);
    const auto line = text.substr(before == text.npos ? 0 : before + 1);
    return line.substr(0, std::min(line.find_first_not_of(blanks), line.size()));
}

bool begins_its_line(std::string_view text, std::size_t at) {
    while (at > 0 && blanks.find(text[at - 1]) != blanks.npos) --at;
    return at > 0 && (text[at - 1] == '\n' || text[at - 1] == '\r');
}

// How much deeper a level is: as anywhere in this text, else as VS Code writes it.
std::string unit_of(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        const auto line = text.substr(at, end - at);
        const auto size = std::min(line.find_first_not_of(blanks), line.size());
        if (size > 0 && size < line.size() && line[size] == '"') return std::string(line.substr(0, size));
        at = end + 1;
    }
    return "    ";
}

class writer {
public:
    explicit writer(std::string_view in) : line_end_(line_end_of(in)), unit_(unit_of(in)) {}

    const std::string& unit() const { return unit_; }
    std::string line(std::string_view indent) const { return std::string(line_end_) + std::string(indent); }

    std::string value(const json& what, const std::string& indent) const {
        std::string out;
        append(out, what, indent);
        return out;
    }

private:
    void append(std::string& out, const json& what, const std::string& indent) const {
        const auto deeper = indent + unit_;
        const auto* object = what.if_object();
        const auto* array = what.if_array();
        if ((!object || object->empty()) && (!array || array->empty())) return append_text(out, what);
        std::string_view comma;
        out += object ? '{' : '[';
        const auto next = [&] {
            out += comma;
            out += line(deeper);
            comma = ",";
        };
        if (object) {
            for (const auto& [key, one] : *object) {
                next();
                append_string(out, key);
                out += ": ";
                append(out, one, deeper);
            }
        } else {
            for (const auto& one : *array) next(), append(out, one, deeper);
        }
        out += line(indent);
        out += object ? '}' : ']';
    }

    std::string_view line_end_;
    std::string unit_;
};

// Behind comments that begin on the same line.
std::size_t behind_comments(std::string_view text, std::size_t at) {
    for (std::size_t look = at;;) {
        look = std::min(text.find_first_not_of(blanks, look), text.size());
        const auto rest = text.substr(look);
        if (rest.starts_with("//")) return look + std::min(rest.find_first_of("\r\n"), rest.size());
        if (!rest.starts_with("/*")) return at;
        look = at = look + rest.find("*/", 2) + 2;
    }
}

// From the line end in front on, if there is nothing but white space in between.
std::size_t with_its_line(std::string_view text, std::size_t at) {
    while (at > 0 && blanks.find(text[at - 1]) != blanks.npos) --at;
    if (at > 0 && text[at - 1] == '\n') --at;
    if (at > 0 && text[at - 1] == '\r') --at;
    return at;
}

// Whether a comment that goes to the end of its line ends at `at`; `from` is outside of comments and strings.
bool comment_line_ends_at(std::string_view text, std::size_t from, std::size_t at) {
    while (from < at) {
        const auto rest = text.substr(from, at - from);
        if (rest.starts_with("//")) {
            from += std::min(rest.find_first_of("\r\n"), rest.size());
            if (from == at) return true;
        } else if (rest.starts_with("/*")) {
            from += std::min(rest.find("*/", 2), rest.size() - 2) + 2;
        } else {
            ++from;
        }
    }
    return false;
}

std::string spliced(std::string_view text, std::size_t begin, std::size_t end, std::string_view by) {
    std::string out(text.substr(0, begin));
    out += by;
    out += text.substr(end);
    return out;
}

}  // namespace

std::string add_item(std::string_view text, const jsonc& to, std::string_view key, const json& value) {
    const writer write(text);
    const auto outer = std::string(indent_at(text, to.begin));
    auto indent = outer + write.unit();
    if (!to.items.empty() && begins_its_line(text, to.items.back().begin)) indent = indent_at(text, to.items.back().begin);
    std::string item;
    if (to.what == jsonc::kind::object) {
        append_string(item, key);
        item += ": ";
    }
    item += write.value(value, indent);

    const auto close = to.end - 1;
    if (to.items.empty()) {
        const auto at = behind_comments(text, to.begin + 1);
        const auto rest = text.substr(at, close - at);
        const bool own_line = rest.find_first_of("\r\n") != rest.npos;
        const bool blank = rest.find_first_not_of(blanks) == rest.npos;
        return spliced(text, at, blank ? close : at, write.line(indent) + item + (own_line ? "" : write.line(outer)));
    }
    const auto& last = to.items.back();
    const auto at = behind_comments(text, last.comma ? *last.comma + 1 : last.value.end);
    std::string out = spliced(text, at, at, write.line(indent) + item + (last.comma ? "," : ""));
    if (!last.comma) out.insert(last.value.end, ",");
    return out;
}

std::string remove_item(std::string_view text, const jsonc& from, std::size_t index) {
    const auto& item = from.items[index];
    const auto end = item.comma ? *item.comma + 1 : item.value.end;
    auto begin = with_its_line(text, item.begin);
    // A comment in front would swallow what follows on this line.
    const auto next = text.find_first_not_of(blanks, end);
    const auto before = index == 0 ? from.begin + 1 : *from.items[index - 1].comma + 1;
    if (next != text.npos && text[next] != '\r' && text[next] != '\n' && comment_line_ends_at(text, before, begin)) begin = item.begin;
    std::string out = spliced(text, begin, end, "");
    if (from.items.size() > 1) {
        // The comma between this and the one before it goes with the last.
        if (!item.comma) out.erase(*from.items[index - 1].comma, 1);
        return out;
    }
    const auto close = from.end - 1 - (end - begin);
    const auto within = std::string_view(out).substr(from.begin + 1, close - from.begin - 1);
    if (within.find_first_not_of(" \t\r\n") == within.npos) out.erase(from.begin + 1, within.size());
    return out;
}

std::string replace_value(std::string_view text, const jsonc& old, const json& value) {
    return spliced(text, old.begin, old.end, writer(text).value(value, std::string(indent_at(text, old.begin))));
}

}  // namespace protocol
