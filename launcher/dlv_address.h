// Where a headless dlv answers: loopback TCP or a Unix socket, never anything else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "launcher/outcome.h"

namespace launcher {

struct dlv_address {
    enum class kind { unix_socket, tcp } how = kind::unix_socket;
    std::string path;  // of a Unix socket
    std::string host;  // of TCP: 127.x.y.z or ::1
    std::uint16_t port = 0;

    bool operator==(const dlv_address&) const = default;
};

// "unix:/run/x.sock", "127.0.0.1:2345" or "[::1]:2345": what parse_address and `dlv connect` take.
std::string to_string(const dlv_address& address);

// "127.0.0.1:2345", "[::1]:2345", "localhost:2345" or "unix:/run/x.sock"; anything not loopback is
// refused, and so is a Unix path that is relative or longer than max_socket_path.
outcome<dlv_address> parse_address(std::string_view text);

// sockaddr_un::sun_path less its closing NUL.
constexpr std::size_t max_socket_path = 107;

}  // namespace launcher
