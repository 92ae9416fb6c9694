#include "launcher/config_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

namespace launcher {
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

outcome<std::chrono::milliseconds> parse_duration(std::string_view text) {
    if (const auto value = number_with_unit(text, times))
        return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
    return "\"" + std::string(text) + "\" is not a duration such as 500ms, 10s, 15m, 12h or 7d";
}

outcome<std::uint64_t> parse_size(std::string_view text) {
    if (const auto value = number_with_unit(text, sizes)) return *value;
    return "\"" + std::string(text) + "\" is not a size such as 65536, 64KiB, 4MiB or 1GiB";
}

std::string format_duration(std::chrono::milliseconds time) {
    return shortest(static_cast<std::uint64_t>(time.count()), times);
}

std::string format_size(std::uint64_t bytes) { return shortest(bytes, sizes); }

std::string nearest_name(std::string_view wrong, const std::vector<std::string_view>& known) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
    for (const std::string_view name : known) {
        std::vector<std::size_t> row(name.size() + 1);
        std::iota(row.begin(), row.end(), std::size_t{0});
        for (std::size_t i = 1; i <= wrong.size(); ++i) {
            std::size_t diagonal = std::exchange(row[0], i);
            for (std::size_t j = 1; j <= name.size(); ++j) {
                const std::size_t change = diagonal + (lower(wrong[i - 1]) == lower(name[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
            }
        }
        if (row.back() < best_distance) {
            best_distance = row.back();
            best = name;
        }
    }
    return std::string(best);
}

}  // namespace launcher
