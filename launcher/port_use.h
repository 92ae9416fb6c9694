// Who listens at a port of this host, whatever the address.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace launcher {

// Of `ports` those that somebody listens at, by the kernel's tables of this network namespace.
std::vector<std::uint16_t> ports_in_use(const std::vector<std::uint16_t>& ports);

// The same from the text of /proc/net/tcp or tcp6. Pure.
bool listens_at(std::string_view table, std::uint16_t port);

}  // namespace launcher
