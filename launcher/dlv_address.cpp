#include "launcher/dlv_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>

namespace launcher {

namespace {

bool is_loopback(const std::string& host) {
    in_addr v4{};
    if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    return host == "::1";
}

bool parse_port(std::string_view text, std::uint16_t& port) {
    const auto* end = text.data() + text.size();
    const auto [stop, ec] = std::from_chars(text.data(), end, port);
    return ec == std::errc() && stop == end && port != 0;
}

outcome<dlv_address> parse_unix(std::string_view path) {
    if (path.empty() || path.front() != '/')
        return "unix:" + std::string(path) + " is not an absolute path: write unix:/run/…/dlv.sock";
    if (path.find('\0') != std::string_view::npos)
        return std::string("a socket's path cannot contain NUL");
    if (path.size() > max_socket_path)
        return std::string(path) +
               " is longer than the 107 bytes a Unix socket's path may have: use a shorter "
               "directory";
    dlv_address address;
    address.path = path;
    return address;
}

}  // namespace

std::string to_string(const dlv_address& address) {
    if (address.how == dlv_address::kind::unix_socket) return "unix:" + address.path;
    const bool v6 = address.host.find(':') != std::string::npos;
    return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

outcome<dlv_address> parse_address(std::string_view text) {
    constexpr std::string_view unix_prefix = "unix:";
    if (text.starts_with(unix_prefix)) return parse_unix(text.substr(unix_prefix.size()));

    const std::string whole(text);
    const auto colon = text.rfind(':');
    const std::string form =
        " is not an address of dlv: write 127.0.0.1:PORT, [::1]:PORT or unix:/PATH";
    if (colon == std::string_view::npos) return whole + form;
    std::string host(text.substr(0, colon));
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (!bracketed && host.find(':') != std::string::npos) return whole + form;

    dlv_address address;
    address.how = dlv_address::kind::tcp;
    if (!parse_port(text.substr(colon + 1), address.port)) return whole + form;
    // Not resolved: a name service must not decide what counts as this machine.
    if (host == "localhost") host = "127.0.0.1";
    if (!is_loopback(host))
        return whole +
               " is not a loopback address: dlv has no authentication, so only 127.0.0.1, [::1] or "
               "a Unix "
               "socket of this machine will do";
    address.host = host;
    return address;
}

}  // namespace launcher
