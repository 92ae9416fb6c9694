// The small syntaxes of gateway.yaml's values: durations, sizes, addresses, names.
#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "gateway/config.h"
#include "launcher/config_values.h"

namespace gateway {

launcher::outcome<std::chrono::milliseconds> parse_duration(std::string_view text) {
    return launcher::parse_duration(text);
}

launcher::outcome<std::uint64_t> parse_size(std::string_view text) { return launcher::parse_size(text); }

std::string format_duration(std::chrono::milliseconds time) { return launcher::format_duration(time); }

std::string format_size(std::uint64_t bytes) { return launcher::format_size(bytes); }

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

bool is_loopback(std::string_view host) {
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(std::string(host), ec);
    return !ec && address.is_loopback();
}

bool is_dns_label(std::string_view name) {
    const auto inner = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), inner) &&
           name.front() != '-' && name.back() != '-';
}

}  // namespace gateway
