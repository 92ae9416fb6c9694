#include "launcher/yaml_scalar.h"

#include <string>

namespace launcher {
namespace {

template <class... Words>
bool is_one_of(std::string_view text, Words... words) {
    return ((text == words) || ...);
}

bool is_true(std::string_view text) {
    return is_one_of(text, "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON");
}
bool is_false(std::string_view text) {
    return is_one_of(text, "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF");
}
bool is_infinite(std::string_view text) {
    return is_one_of(text, ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf",
                     "-.INF");
}

bool all_digits(std::string_view text, std::string_view digits) {
    return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

// Go's ParseInt with base 0, without its range: a number that is too large is a float, and no text either.
bool is_integer(std::string_view text) {
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (text.size() > 2 && text[0] == '0') {
        switch (text[1]) {
            case 'x':
            case 'X': return all_digits(text.substr(2), "0123456789abcdefABCDEF");
            case 'o':
            case 'O': return all_digits(text.substr(2), "01234567");
            case 'b':
            case 'B': return all_digits(text.substr(2), "01");
            default: break;
        }
    }
    return all_digits(text, "0123456789");
}

std::size_t skip_digits(std::string_view text, std::size_t at) {
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool is_real(std::string_view text) {
    std::size_t at = text.starts_with('+') || text.starts_with('-') ? 1 : 0;
    const auto whole = skip_digits(text, at);
    auto end = whole;
    if (end < text.size() && text[end] == '.') end = skip_digits(text, end + 1);
    const bool has_whole = whole > at;
    if (!has_whole && end < whole + 2) return false;
    if (end == text.size()) return true;
    if (text[end] != 'e' && text[end] != 'E') return false;
    at = end + 1;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    end = skip_digits(text, at);
    return end > at && end == text.size();
}

}  // namespace

yaml_value::kind classify_plain_scalar(std::string_view text) {
    using kind = yaml_value::kind;
    if (is_one_of(text, "", "~", "null", "Null", "NULL")) return kind::null;
    if (is_true(text) || is_false(text)) return kind::boolean;
    if (is_infinite(text)) return kind::real;
    const char first = text.front();
    if (first != '+' && first != '-' && first != '.' && (first < '0' || first > '9')) return kind::text;
    std::string digits(text);
    std::erase(digits, '_');
    if (is_integer(digits)) return kind::integer;
    return is_real(digits) ? kind::real : kind::text;
}

bool yaml_truth(std::string_view text) { return is_true(text); }

}  // namespace launcher
