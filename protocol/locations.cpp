#include "protocol/locations.h"

#include <algorithm>
#include <string>

namespace protocol {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What is left of a function's name when its receiver's parentheses and star are gone.
std::string bare_name(std::string_view name) {
    std::string out;
    for (const char c : name)
        if (c != '(' && c != ')' && c != '*') out += c;
    return out;
}

}  // namespace

// Delve pkg/locspec/locations.go: Parse, and NormalLocationSpec.Find, which evaluates what names neither
// a file nor a function. Go's parser skips comments, so no place in the text is safe from one.
bool location_computes(std::string_view location) {
    if (location.empty()) return false;
    if (location.find("//") != location.npos || location.find("/*") != location.npos) return true;
    // A regular expression or a path: no expression begins so.
    if (location[0] == '/') return false;
    // A line: 10, +2, -2, and main.go:10. No expression ends so.
    auto digits = location.size();
    while (digits > 0 && is_digit(location[digits - 1])) --digits;
    const bool ends_in_digits = digits < location.size();
    if (ends_in_digits && digits == 0) return false;
    if (ends_in_digits && digits == 1 && (location[0] == '+' || location[0] == '-')) return false;
    if (ends_in_digits && location[digits - 1] == ':') return false;
    // A name: main.tick, (*T).Method, main.F[int].
    char before = 0;
    for (const char c : location) {
        const bool part = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          static_cast<unsigned char>(c) >= 0x80 ||
                          std::string_view("_.()[]").find(c) != std::string_view::npos;
        if (!part && !(c == '*' && before == '(')) return true;
        before = c;
    }
    return false;
}

void strip_foreign_locations(json& reply, std::string_view location) {
    json* result = reply.find("result");
    json* found = result ? result->find("Locations") : nullptr;
    auto* list = found ? found->if_array() : nullptr;
    // A line was asked for: nothing was evaluated.
    const auto last = location.find_last_not_of("0123456789");
    const bool line = last == location.npos || (last + 1 < location.size() && location[last] == ':') ||
                      (!location.empty() && std::string_view("+-/").find(location[0]) != std::string_view::npos);
    if (!list || line) return;
    const std::string wanted = bare_name(location);
    std::erase_if(*list, [&](const json& one) {
        const json* function = one.find("function");
        const std::string name = function ? bare_name(function->get_string("name")) : std::string();
        return !name.ends_with(wanted);
    });
    if (result->find("SubstituteLocExpr")) result->set("SubstituteLocExpr", "");
}

}  // namespace protocol
