#include "launcher/own_host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <fstream>

namespace launcher {

std::vector<std::string> own_addresses() {
    std::vector<std::string> out;
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) return out;
    for (const auto* each = first; each != nullptr; each = each->ifa_next) {
        if (each->ifa_addr == nullptr) continue;
        char text[INET6_ADDRSTRLEN] = {};
        const int family = each->ifa_addr->sa_family;
        const void* address = family == AF_INET    ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr)
                              : family == AF_INET6 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(each->ifa_addr)->sin6_addr)
                                                   : nullptr;
        if (address != nullptr && ::inet_ntop(family, address, text, sizeof text) != nullptr) out.emplace_back(text);
    }
    ::freeifaddrs(first);
    return out;
}

std::string machine_id() {
    std::string line;
    std::ifstream in("/etc/machine-id");
    std::getline(in, line);
    return line;
}

}  // namespace launcher
