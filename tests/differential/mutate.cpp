#include "differential/mutate.h"

#include <array>
#include <cctype>
#include <vector>

namespace differential {
namespace {

using namespace std::string_view_literals;
using token_list = std::vector<std::string>;

constexpr std::array values{
    "null"sv, "true"sv, "false"sv, "0"sv, "-0"sv, "1"sv, "-1"sv, "1.0"sv, "1e3"sv, "1E-2"sv,
    "1e400"sv, "0.5"sv, "01"sv, "+1"sv, "-"sv, ".5"sv, "1."sv, "0x10"sv, "NaN"sv, "nul"sv, "True"sv,
    "255"sv, "256"sv, "65535"sv, "65536"sv, "9007199254740993"sv, "9223372036854775807"sv,
    "9223372036854775808"sv, "-9223372036854775808"sv, "-9223372036854775809"sv,
    "18446744073709551615"sv, "18446744073709551616"sv, "\"\""sv, "\"x\""sv, "\"1\""sv,
    "\"\\u0041\\/\\b\\f\\n\\r\\t\""sv, "\"\\ud83d\\ude00\""sv, "\"\\ud83d\""sv,
    "\"\\ude00\\ud83d\""sv, "\"\\ud83dx\""sv, "\"\\u0000\""sv, "\"\\x41\""sv, "\"\\u00g0\""sv,
    "\"\x01\""sv, "\"\t\""sv, "\"\xff\""sv, "\"\xc0\x80\""sv, "\"\xed\xa0\x80\""sv,
    "\"\xf4\x90\x80\x80\""sv, "\"\xe2\x80\xa8\""sv, "'x'"sv, "[]"sv, "{}"sv, "[null]"sv, "[[]]"sv,
    "[1,2,3,4]"sv, "[\"a\"]"sv, "[\"a\",\"b\",3]"sv, "{\"a\":1}"sv, "{\"a\":1,\"a\":2}"sv,
    "{\"a\":1,\"A\":2}"sv, "{\"from\":\"a\",\"to\":\"b\"}"sv, "{\"Frame\":2,\"frame\":3}"sv,
    "\"request\""sv, "\"RPCServer.Eval\""sv, "\"call\""sv, "\"call f()\""sv, "\"\\ndlv x\""sv,
};

constexpr std::array spaces{" "sv,  "\t"sv,   "\n"sv,       "\r"sv,           "\r\n"sv, "\v"sv,
                            "\f"sv, "\0"sv,   "\xc2\xa0"sv, "\xef\xbb\xbf"sv, "\x1e"sv, "/**/"sv,
                            "//\n"sv, "\xc2\x85"sv};

constexpr std::array marks{"{"sv, "}"sv, "["sv, "]"sv, ":"sv, ","sv};

template <class Pool>
std::string pick(const Pool& pool, randomness& random) {
    return std::string(pool[random() % pool.size()]);
}

token_list split(std::string_view text) {
    token_list tokens;
    for (std::size_t i = 0; i < text.size();) {
        std::size_t end = i + 1;
        if (text[i] == '"') {
            while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
            end = std::min(end + 1, text.size());
        } else if (std::string_view("{}[]:,").find(text[i]) == text.npos) {
            while (end < text.size() && std::string_view("{}[]:,\"").find(text[end]) == text.npos)
                ++end;
        }
        tokens.emplace_back(text.substr(i, end - i));
        i = end;
    }
    return tokens;
}

std::string join(const token_list& tokens) {
    std::string text;
    for (const auto& token : tokens) text += token;
    return text;
}

// The keys, by the colon that follows them.
std::vector<std::size_t> keys(const token_list& tokens) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i)
        if (tokens[i].starts_with('"') && tokens[i + 1] == ":") found.push_back(i);
    return found;
}

// What Go may take for the same key: another case, a letter that folds to it, an escape.
std::string disguise(const std::string& key, randomness& random) {
    std::string out;
    for (char c : key) {
        const auto letter = static_cast<unsigned char>(c);
        switch (std::isalpha(letter) ? random() % 6 : 0) {
            case 1: out += static_cast<char>(std::toupper(letter)); break;
            case 2: out += static_cast<char>(std::tolower(letter)); break;
            case 3:
                if (c == 's' || c == 'S')
                    out += "\xc5\xbf";
                else if (c == 'k' || c == 'K')
                    out += "\xe2\x84\xaa";
                else
                    out += c;
                break;
            case 4: {
                constexpr std::string_view hex = "0123456789abcdef";
                (out += "\\u00") += hex[letter >> 4];
                out += hex[letter & 15];
                break;
            }
            default: out += c;
        }
    }
    return out;
}

// Past the end of the value that begins at i.
std::size_t value_end(const token_list& tokens, std::size_t i) {
    int depth = 0;
    for (; i < tokens.size(); ++i) {
        if (tokens[i] == "{" || tokens[i] == "[") ++depth;
        if (tokens[i] == "}" || tokens[i] == "]") --depth;
        if (depth <= 0) return i + 1;
    }
    return i;
}

void repeat_member(token_list& tokens, randomness& random) {
    const auto all = keys(tokens);
    if (all.empty()) return;
    const std::size_t i = all[random() % all.size()];
    token_list copy(tokens.begin() + static_cast<std::ptrdiff_t>(i),
                    tokens.begin() + static_cast<std::ptrdiff_t>(value_end(tokens, i + 2)));
    if (random() % 2) copy[0] = disguise(copy[0], random);
    if (random() % 2) copy = {copy[0], ":", pick(values, random)};
    copy.push_back(",");
    tokens.insert(tokens.begin() + static_cast<std::ptrdiff_t>(i), copy.begin(), copy.end());
}

void replace_value(token_list& tokens, randomness& random) {
    const auto all = keys(tokens);
    if (all.empty()) return;
    const std::size_t i = all[random() % all.size()] + 2;
    std::string value = pick(values, random);
    if (random() % 16 == 0) {
        const std::size_t depth = random() % 4 == 0 ? 10'001 : 50 + random() % 20;
        value = std::string(depth, '[') + std::string(depth, ']');
    }
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i),
                 tokens.begin() + static_cast<std::ptrdiff_t>(value_end(tokens, i)));
    tokens.insert(tokens.begin() + static_cast<std::ptrdiff_t>(i), value);
}

void rename_key(token_list& tokens, randomness& random) {
    const auto all = keys(tokens);
    if (all.empty()) return;
    auto& key = tokens[all[random() % all.size()]];
    key = disguise(key, random);
}

void damage_bytes(std::string& text, randomness& random) {
    if (text.empty()) return;
    const std::size_t at = random() % text.size();
    switch (random() % 4) {
        case 0: text.resize(at); break;
        case 1: text.erase(at, 1 + random() % 3); break;
        case 2: text[at] = static_cast<char>(random() % 256); break;
        default: text.insert(at, 1, static_cast<char>(random() % 256));
    }
}

}  // namespace

std::string mutate(std::string_view text, randomness& random) {
    token_list tokens = split(text);
    for (auto times = 1 + random() % 2; times > 0 && !tokens.empty(); --times) {
        const auto at = [&] {
            return tokens.begin() + static_cast<std::ptrdiff_t>(random() % tokens.size());
        };
        switch (random() % 16) {
            case 0:
            case 1:
            case 2:
            case 3: replace_value(tokens, random); break;
            case 4:
            case 5:
            case 6:
            case 7: rename_key(tokens, random); break;
            case 8:
            case 9: repeat_member(tokens, random); break;
            case 10: *at() = pick(values, random); break;
            case 11:
            case 12: tokens.insert(at(), pick(spaces, random)); break;
            case 13: tokens.insert(at(), pick(marks, random)); break;
            case 14: tokens.erase(at()); break;
            default: tokens.push_back(random() % 2 ? pick(values, random) : pick(spaces, random));
        }
    }
    std::string out = join(tokens);
    if (random() % 8 == 0) damage_bytes(out, random);
    return out;
}

}  // namespace differential
