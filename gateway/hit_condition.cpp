#include <charconv>

#include "gateway/breakpoint_board.h"

namespace gateway {

bool satisfies_hit_condition(std::string_view condition, std::uint64_t hits) {
    constexpr std::string_view operators = "=><%!", digits = "0123456789";
    const auto count = [&](std::size_t at, std::string_view of) {
        const auto end = condition.find_first_not_of(of, at);
        return (end == condition.npos ? condition.size() : end) - at;
    };
    if (condition.empty()) return true;
    for (std::size_t at = 0; at < condition.size(); ++at) {
        const auto op = condition.substr(at, count(at, operators));
        auto number = at + op.size();
        if (number < condition.size() && condition[number] == ' ') ++number;
        const auto text = number < condition.size() ? condition.substr(number, count(number, digits)) : std::string_view();
        if (text.empty()) continue;
        std::uint64_t value = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) return false;
        if (op.empty() || op == "==") return hits == value;
        if (op == "!=") return hits != value;
        if (op == ">=") return hits >= value;
        if (op == "<=") return hits <= value;
        if (op == ">") return hits > value;
        if (op == "<") return hits < value;
        return op == "%" && value != 0 && hits % value == 0;
    }
    return false;
}

}  // namespace gateway
