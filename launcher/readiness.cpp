#include "launcher/readiness.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>

namespace launcher {

namespace {

constexpr std::string_view label = "API server listening at: ";
constexpr std::string_view remote_warning = "not authenticated nor encrypted";

bool is_our_tcp(std::string_view address) {
    constexpr std::string_view hosts[] = {"127.0.0.1:", "[::1]:"};
    const auto* host = std::find_if(std::begin(hosts), std::end(hosts),
                                    [&](std::string_view h) { return address.starts_with(h); });
    if (host == std::end(hosts)) return false;
    address.remove_prefix(host->size());
    std::uint16_t port = 0;
    const auto* end = address.data() + address.size();
    const auto [stop, ec] = std::from_chars(address.data(), end, port);
    return ec == std::errc() && stop == end && port != 0;
}

}  // namespace

announcement find_announcement(std::string_view output, std::string_view socket) {
    for (std::size_t begin = 0; begin < output.size();) {
        const auto end = output.find('\n', begin);
        if (end == std::string_view::npos) break;  // the rest of the line is still to come
        auto line = output.substr(begin, end - begin);
        begin = end + 1;
        if (!line.starts_with(label)) continue;
        line.remove_prefix(label.size());
        const bool ours = socket.empty() ? is_our_tcp(line) : line == socket;
        const bool warned = output.find(remote_warning) != std::string_view::npos;
        return {ours && !warned ? announcement::answer::accepted : announcement::answer::elsewhere,
                line};
    }
    return {};
}

}  // namespace launcher
