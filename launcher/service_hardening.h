// What transient_service::hardened asks for, without systemd.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "launcher/outcome.h"
#include "launcher/transient_service.h"

namespace launcher {

// For the child: no other socket families than Unix and IP, no namespaces, no memory that is written and executed, no
// set-user-ID files, no other personality. Made by the parent, since it takes memory.
outcome<std::vector<sock_filter>> hardening_filter();

// In the child, as root, in a mount namespace of its own: homes and devices hidden, all read-only but `writable`.
// Async-signal-safe; errno says why not.
bool harden_mounts(const transient_service& service) noexcept;
// In the child, as root: no capability is had by anything that is executed. Likewise.
bool drop_bounding_set() noexcept;
// In the child, last. Likewise.
bool harden_calls(const std::vector<sock_filter>& filter) noexcept;

constexpr std::size_t most_writable = 16;

}  // namespace launcher
