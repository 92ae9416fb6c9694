// Whole packets with at most one descriptor over a connected SOCK_SEQPACKET socket.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "launcher/fd.h"
#include "launcher/outcome.h"

namespace launcher {

struct packet {
    std::string text;       // empty: the other end has closed
    unique_fd descriptor;   // close-on-exec
};

// Waits up to `patience` (nothing: for ever). A packet that is longer than max_launcher_packet, or carries more than one
// descriptor, is an error; what it carried is closed.
outcome<packet> receive_packet(int socket, std::optional<std::chrono::milliseconds> patience = {});
// Waits up to `patience` for a reader that does not read.
outcome<void> send_packet(int socket, std::string_view text, int descriptor = -1,
                          std::chrono::milliseconds patience = std::chrono::seconds(10));

struct peer_credentials {
    pid_t pid = 0;
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
};
outcome<peer_credentials> credentials_of_peer(int socket);

}  // namespace launcher
