#include "launcher/unit_words.h"

#include <algorithm>
#include <optional>

namespace launcher {

namespace {

constexpr std::string_view blanks = " \t\n\r";

bool is_blank(char c) { return blanks.find(c) != std::string_view::npos; }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

void append_utf8(std::string& into, std::uint32_t code) {
    const auto byte = [&](std::uint32_t value) { into += static_cast<char>(value); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xC0 | code >> 6);
        byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        byte(0xE0 | code >> 12);
        byte(0x80 | (code >> 6 & 0x3F));
        byte(0x80 | (code & 0x3F));
    } else {
        byte(0xF0 | code >> 18);
        byte(0x80 | (code >> 12 & 0x3F));
        byte(0x80 | (code >> 6 & 0x3F));
        byte(0x80 | (code & 0x3F));
    }
}

// What systemd takes for a character that may be written: no surrogate, no non-character.
bool is_character(std::uint32_t code) {
    return code < 0x110000 && (code & 0xFFFFF800) != 0xD800 && (code < 0xFDD0 || code > 0xFDEF) &&
           (code & 0xFFFE) != 0xFFFE;
}

// The escape whose letter is at the front of `text`; how much of it was used, 0 when it is none.
std::size_t unescape_one(std::string_view text, std::string& into) {
    if (text.empty()) return 0;
    constexpr std::string_view letters = "abfnrtv\\\"'s", meaning = "\a\b\f\n\r\t\v\\\"' ";
    if (const auto at = letters.find(text[0]); at != std::string_view::npos) {
        into += meaning[at];
        return 1;
    }
    const auto number = [&](std::size_t digits) -> std::optional<std::uint32_t> {
        if (text.size() < digits + 1) return {};
        std::uint32_t value = 0;
        for (std::size_t i = 1; i <= digits; ++i) {
            const int digit = hex_digit(text[i]);
            if (digit < 0) return {};
            value = value << 4 | static_cast<std::uint32_t>(digit);
        }
        return value == 0 ? std::nullopt : std::optional(value);
    };
    if (text[0] == 'x') {
        const auto value = number(2);
        if (!value) return 0;
        into += static_cast<char>(*value);
        return 3;
    }
    if (text[0] == 'u' || text[0] == 'U') {
        const std::size_t digits = text[0] == 'u' ? 4 : 8;
        const auto value = number(digits);
        if (!value || !is_character(*value)) return 0;
        append_utf8(into, *value);
        return digits + 1;
    }
    if (text.size() < 3) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        if (text[i] < '0' || text[i] > '7') return 0;
        value = value << 3 | static_cast<std::uint32_t>(text[i] - '0');
    }
    if (value == 0 || value > 255) return 0;
    into += static_cast<char>(value);
    return 3;
}

// systemd's extract_first_word has flags; these are the three ways in which it is used here.
enum class escapes {
    c_strict,   // a C escape, or an error
    c_lenient,  // a C escape, or both bytes as they are
    plain,      // the byte after the backslash; unclosed quotes are fine
};

struct extracted {
    enum class kind { word, end, invalid } what = kind::end;
    std::string word;
};

// Takes one word off the front of `text`; leaves `text` as it is when that cannot be done.
extracted extract_word(std::string_view& text, escapes how) {
    auto rest = text;
    rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
    extracted result;
    if (rest.empty()) {
        text = rest;
        return result;
    }
    char quote = 0;
    const auto invalid = [] { return extracted{extracted::kind::invalid, {}}; };
    while (!rest.empty()) {
        const char c = rest.front();
        if (c == '\\') {
            rest.remove_prefix(1);
            if (rest.empty()) {
                if (how == escapes::plain) break;
                if (how == escapes::c_strict || quote != 0) return invalid();
                result.word += '\\';
                break;
            }
            if (how == escapes::plain) {
                result.word += rest.front();
                rest.remove_prefix(1);
            } else if (const auto used = unescape_one(rest, result.word); used != 0) {
                rest.remove_prefix(used);
            } else if (how == escapes::c_lenient) {
                result.word += {'\\', rest.front()};
                rest.remove_prefix(1);
            } else {
                return invalid();
            }
            continue;
        }
        rest.remove_prefix(1);
        if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                result.word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (is_blank(c)) {
            rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
            text = rest;
            result.what = extracted::kind::word;
            return result;
        } else {
            result.word += c;
        }
    }
    if (quote != 0 && how != escapes::plain) return invalid();
    text = rest;
    result.what = extracted::kind::word;
    return result;
}

// The value of `name`; the last one wins.
std::optional<std::string_view> value_of(const environment_list& variables, std::string_view name) {
    if (name.empty()) return {};
    for (auto it = variables.rbegin(); it != variables.rend(); ++it)
        if (it->size() > name.size() && (*it)[name.size()] == '=' && it->starts_with(name))
            return std::string_view(*it).substr(name.size() + 1);
    return {};
}

std::string expand_braces(std::string_view word, const environment_list& variables) {
    std::string result;
    for (std::size_t i = 0; i < word.size();) {
        if (word[i] != '$' || i + 1 == word.size()) {
            result += word[i++];
            continue;
        }
        const char next = word[i + 1];
        if (next == '$') {
            result += '$';
            i += 2;
            continue;
        }
        if (next != '{') {
            // Literal; the byte after it is literal too.
            result += {'$', next};
            i += 2;
            continue;
        }
        // `${NAME:…}` is another program's syntax: from the colon on, plain text again.
        const auto end = word.find_first_of(":}", i + 2);
        if (end == std::string_view::npos) return result.append(word.substr(i));
        if (word[end] == '}') {
            if (const auto value = value_of(variables, word.substr(i + 2, end - i - 2))) result += *value;
        } else {
            result += word.substr(i, end + 1 - i);
        }
        i = end + 1;
    }
    return result;
}

}  // namespace

outcome<std::vector<std::string>> split_exec_words(std::string_view line) {
    std::vector<std::string> words;
    for (;;) {
        // As words of their own, and only where neither quotes nor anything else is about them.
        const auto start = std::min(line.find_first_not_of(blanks), line.size());
        const auto raw = line.substr(start, line.find_first_of(blanks, start) - start);
        if (raw == ";")
            return "a word ; begins a second command, which only a oneshot unit may have: write \\; for the character";
        if (raw == "\\;") {
            words.emplace_back(";");
            line.remove_prefix(start + raw.size());
            continue;
        }
        auto found = extract_word(line, escapes::c_strict);
        if (found.what == extracted::kind::invalid) found = extract_word(line, escapes::c_lenient);
        if (found.what == extracted::kind::end) return words;
        if (found.what == extracted::kind::invalid)
            return "a quote is not closed, which systemd refuses too: correct the unit's ExecStart";
        words.push_back(std::move(found.word));
    }
}

std::vector<std::string> split_environment(std::string_view line) {
    std::vector<std::string> result;
    for (;;) {
        auto found = extract_word(line, escapes::c_strict);
        if (found.what != extracted::kind::word) return result;
        const auto equals = found.word.find('=');
        if (equals != std::string::npos && valid_variable_name(std::string_view(found.word).substr(0, equals)) &&
            valid_utf8(found.word))
            result.push_back(std::move(found.word));
    }
}

std::string quote_word(std::string_view word) {
    std::string result;
    bool quotes = word.empty() || word == ";";
    for (const char c : word) {
        const auto byte = static_cast<unsigned char>(c);
        switch (c) {
            case '\\': result += "\\\\"; break;
            case '"': result += "\\\""; break;
            case '\n': result += "\\n"; break;
            case '\t': result += "\\t"; break;
            case '\r': result += "\\r"; break;
            case '%': result += "%%"; break;
            default:
                if (byte < 0x20 || byte == 0x7F) {
                    constexpr char digits[] = "0123456789abcdef";
                    result += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
                } else {
                    quotes = quotes || c == ' ' || c == '\'';
                    result += c;
                }
        }
    }
    // A comment or a continuation begins with these, at the start of a line that quotes make impossible.
    quotes = quotes || (!word.empty() && (word.front() == '#' || word.front() == ';'));
    return quotes ? '"' + result + '"' : result;
}

std::string quote_words(const std::vector<std::string>& words) {
    std::string result;
    for (const auto& word : words) {
        if (!result.empty()) result += ' ';
        result += quote_word(word);
    }
    return result;
}

std::string literal(std::string_view word) {
    std::string result;
    for (const char c : word) {
        if (c == '$') result += '$';
        result += c;
    }
    return result;
}

std::vector<std::string> expand_words(const std::vector<std::string>& words, const environment_list& variables) {
    std::vector<std::string> result;
    for (const auto& word : words) {
        const bool whole = word.size() >= 1 && word[0] == '$' && (word.size() == 1 || (word[1] != '{' && word[1] != '$'));
        if (!whole) {
            result.push_back(expand_braces(word, variables));
            continue;
        }
        auto value = value_of(variables, std::string_view(word).substr(1)).value_or(std::string_view());
        for (;;) {
            auto found = extract_word(value, escapes::plain);
            if (found.what != extracted::kind::word) break;
            result.push_back(std::move(found.word));
        }
    }
    return result;
}

void merge_environment(environment_list& base, const environment_list& added) {
    for (const auto& entry : added) {
        const auto name = std::string_view(entry).substr(0, entry.find('=') + 1);
        const auto same = [&](const std::string& other) { return other.starts_with(name); };
        const auto it = std::find_if(base.begin(), base.end(), same);
        if (it != base.end())
            *it = entry;
        else
            base.push_back(entry);
    }
}

void unset_environment(environment_list& variables, const std::vector<std::string>& unset) {
    std::erase_if(variables, [&](const std::string& entry) {
        const auto name = std::string_view(entry).substr(0, entry.find('='));
        return std::find_if(unset.begin(), unset.end(), [&](const std::string& one) {
                   return one == entry || one == name;
               }) != unset.end();
    });
}

bool valid_variable_name(std::string_view name) {
    const auto fine = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), fine);
}

bool valid_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const std::size_t length = byte < 0x80 ? 1 : byte >> 5 == 6 ? 2 : byte >> 4 == 14 ? 3 : byte >> 3 == 30 ? 4 : 0;
        if (length == 0 || i + length > text.size()) return false;
        std::uint32_t code = length == 1 ? byte : byte & (0x7Fu >> length);
        for (std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if (next >> 6 != 2) return false;
            code = code << 6 | (next & 0x3Fu);
        }
        constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (code < least[length] || !is_character(code)) return false;
        i += length;
    }
    return true;
}

}  // namespace launcher
