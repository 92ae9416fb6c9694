// Which loopback address a dlv that listens on TCP is to have.
#pragma once

#include <cstddef>
#include <string>

namespace launcher {

// Delve before 1.22.1 looks its caller up in /proc/net/tcp (/proc/net/tcp6 for [::1]) and reads the line numbers
// there as four digits (go-delve/delve#3660): whoever stands behind line 9999 is turned away. Sockets in
// TIME_WAIT count too, so a minute of many short connections is enough.
constexpr std::size_t last_line_old_dlv_reads = 9999;

// "127.0.0.1" or "[::1]", by the lines of the two tables: the usual one, unless its table is more than half way to
// the limit and the other's is shorter. Pure.
std::string quieter_loopback(std::size_t tcp_lines, std::size_t tcp6_lines);

// The same by what the kernel says now; 127.0.0.1 where [::1] cannot be listened on.
std::string quieter_loopback();

}  // namespace launcher
