// The small syntaxes of gateway.yaml's values: durations, sizes, addresses, names.
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "gateway/config.h"

namespace gateway {
namespace {

struct unit {
    std::string_view suffix;
    std::uint64_t factor;
};
constexpr std::array<unit, 5> times{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<unit, 4> sizes{{{"", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}}};

// Digits and a unit, nothing else; nullopt: not that, or too large to count.
template <std::size_t N>
std::optional<std::uint64_t> number_with_unit(std::string_view text, const std::array<unit, N>& units) {
    std::uint64_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc()) return std::nullopt;
    const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const unit& one : units)
        if (one.suffix == suffix && value <= std::numeric_limits<std::int64_t>::max() / one.factor)
            return value * one.factor;
    return std::nullopt;
}

template <std::size_t N>
std::string shortest(std::uint64_t value, const std::array<unit, N>& units) {
    for (auto one = units.rbegin(); one != units.rend(); ++one)
        if (value % one->factor == 0 && value >= one->factor)
            return std::to_string(value / one->factor) + std::string(one->suffix);
    return std::to_string(value) + std::string(units.front().suffix);
}

}  // namespace

launcher::outcome<std::chrono::milliseconds> parse_duration(std::string_view text) {
    if (const auto value = number_with_unit(text, times))
        return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
    return "\"" + std::string(text) + "\" is not a duration such as 500ms, 10s, 15m, 12h or 7d";
}

launcher::outcome<std::uint64_t> parse_size(std::string_view text) {
    if (const auto value = number_with_unit(text, sizes)) return *value;
    return "\"" + std::string(text) + "\" is not a size such as 65536, 64KiB, 4MiB or 1GiB";
}

std::string format_duration(std::chrono::milliseconds time) {
    return shortest(static_cast<std::uint64_t>(time.count()), times);
}

std::string format_size(std::uint64_t bytes) { return shortest(bytes, sizes); }

launcher::outcome<host_port> parse_host_port(std::string_view text) {
    // In place: host_port, being an aggregate, could be made from the text as well.
    const auto wrong = [text] {
        return launcher::outcome<host_port>(
            boost::system::in_place_error,
            "\"" + std::string(text) +
                "\" is not HOST:PORT, such as 0.0.0.0:7443, [::]:7443 or node1:7443");
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong();
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']') && host.size() > 2)
        host = host.substr(1, host.size() - 2);
    else if (host.find_first_of(":[]") != std::string_view::npos)
        return wrong();  // an IPv6 address without brackets
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (host.empty() || digits.empty() || ec != std::errc() || end != digits.data() + digits.size())
        return wrong();
    return host_port{std::string(host), port};
}

std::string to_string(const host_port& where) {
    const bool bare_v6 = where.host.find(':') != std::string::npos;
    return (bare_v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

bool is_dns_label(std::string_view name) {
    const auto inner = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), inner) &&
           name.front() != '-' && name.back() != '-';
}

}  // namespace gateway
