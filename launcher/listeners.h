// Who listens at an address, by the kernel's tables. The readers of the tables are pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/dlv_address.h"

namespace launcher {

struct listening_socket {
    std::uint64_t inode = 0;
    std::string path;  // as it was bound, perhaps relative; Unix sockets only
    bool operator==(const listening_socket&) const = default;
};

// From /proc/net/tcp and /proc/net/tcp6: exactly at the address, or at all addresses of its port.
struct tcp_listeners {
    std::vector<listening_socket> exact;
    std::vector<listening_socket> wildcard;
};
tcp_listeners find_tcp(std::string_view tcp, std::string_view tcp6, const dlv_address& address);

// From /proc/net/unix: every listening socket that has a path in the file system.
std::vector<listening_socket> find_unix(std::string_view table);

// A process that holds one of the sockets.
struct holder {
    pid_t pid = 0;
    uid_t uid = 0;  // real
    std::vector<std::string> argv;
    std::uint64_t inode = 0;
};
struct holders {
    std::vector<holder> found;
    bool some_hidden = false;  // there are processes whose descriptors we may not see
};
holders who_holds(const std::vector<listening_socket>& sockets);

}  // namespace launcher
