#include "launcher/pod_quantity.h"

#include <array>
#include <charconv>
#include <limits>

namespace launcher {
namespace {

__extension__ typedef unsigned __int128 wide;

constexpr wide limit = std::numeric_limits<wide>::max() / 2048;

struct unit {
    std::string_view suffix;
    std::uint64_t factor;
};
constexpr std::array<unit, 12> large{{{"k", 1'000ull},
                                      {"M", 1'000'000ull},
                                      {"G", 1'000'000'000ull},
                                      {"T", 1'000'000'000'000ull},
                                      {"P", 1'000'000'000'000'000ull},
                                      {"E", 1'000'000'000'000'000'000ull},
                                      {"Ki", 1ull << 10},
                                      {"Mi", 1ull << 20},
                                      {"Gi", 1ull << 30},
                                      {"Ti", 1ull << 40},
                                      {"Pi", 1ull << 50},
                                      {"Ei", 1ull << 60}}};

// The number is `digits` / 10^`decimals`, times or over a factor.
struct parts {
    wide digits = 0;
    int decimals = 0;
    wide factor = 1;
};

std::optional<int> exponent_of(std::string_view suffix) {
    if (suffix == "n") return -9;
    if (suffix == "u") return -6;
    if (suffix == "m") return -3;
    if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
    suffix.remove_prefix(suffix[1] == '+' ? 2 : 1);
    int exponent = 0;
    const auto [end, ec] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), exponent);
    if (ec != std::errc() || end != suffix.data() + suffix.size() || exponent > 18 || exponent < -18)
        return std::nullopt;
    return exponent;
}

std::optional<parts> parse(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    parts out;
    std::size_t at = 0;
    bool any = false, point = false;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '.' && !point) {
            point = true;
        } else if (c >= '0' && c <= '9') {
            any = true;
            if (out.digits > std::numeric_limits<std::uint64_t>::max() || out.decimals > 18) return std::nullopt;
            out.digits = out.digits * 10 + static_cast<unsigned>(c - '0');
            out.decimals += point;
        } else {
            break;
        }
    }
    if (!any) return std::nullopt;
    const auto suffix = text.substr(at);
    if (suffix.empty()) return out;
    for (const auto& unit : large)
        if (unit.suffix == suffix) {
            out.factor = unit.factor;
            return out;
        }
    const auto exponent = exponent_of(suffix);
    if (!exponent) return std::nullopt;
    if (*exponent < 0) out.decimals -= *exponent;
    for (int i = 0; i < *exponent; ++i) out.factor *= 10;
    return out;
}

std::optional<std::uint64_t> scaled(std::string_view text, unsigned scale) {
    const auto number = parse(text);
    if (!number) return std::nullopt;
    if (number->digits != 0 && number->factor > limit / number->digits) return std::nullopt;
    wide value = number->digits * number->factor * scale;
    bool rest = false;
    for (int i = 0; i < number->decimals; ++i) {
        rest |= value % 10 != 0;
        value /= 10;
    }
    value += rest;
    if (value > std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
    return static_cast<std::uint64_t>(value);
}

}  // namespace

std::optional<std::uint64_t> quantity_milli(std::string_view text) { return scaled(text, 1000); }
std::optional<std::uint64_t> quantity_whole(std::string_view text) { return scaled(text, 1); }

}  // namespace launcher
