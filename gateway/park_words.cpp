// What a person says when they park a stop: apart from the hub, for the laptop has none.
#include "gateway/config.h"
#include "gateway/hub_park.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds longest_time = std::chrono::hours(24 * 7);

}  // namespace

std::optional<std::string> read_note(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == text.npos) return std::nullopt;
    text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
    if (text.size() > hub_park::max_note) return std::nullopt;
    return protocol::printable(text).size() > hub_park::max_note ? std::nullopt : std::optional(protocol::printable(text));
}

std::optional<seconds> read_park_time(std::string_view text) {
    if (text.empty()) return seconds(0);
    const auto time = parse_duration(std::string(text));
    if (!time || *time < seconds(1) || *time > longest_time || *time % seconds(1) != milliseconds(0)) return std::nullopt;
    return std::chrono::duration_cast<seconds>(*time);
}

}  // namespace gateway
