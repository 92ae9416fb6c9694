// The forked child of spawn_service, on its way to exec. Everything here is async-signal-safe and allocates nothing: another
// thread may have held any lock when it was forked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "launcher/service_hardening.h"
#include "launcher/transient_service.h"

namespace launcher::service_child {

enum class step { cgroup, session, limits, oom_score, name_space, mount_source, mount_read_only, mount_target, directory, identity, streams, confine, execute };

struct failure_note {
    step where;
    int error;
    std::uint32_t index;  // of the mount
};

constexpr std::size_t longest_path = 4096;
constexpr std::size_t most_mounts = 1024;

struct orders {
    const transient_service& service;
    char* const* argv;
    char* const* environment;
    const std::vector<int>& doors;
    const std::vector<std::uint32_t>& mount_order;
    const std::vector<sock_filter>& filter;  // of one that is hardened
    int output;
    int parents_own;  // the other end of:
    int parent;       // a packet from here lets it begin; its end, or a failure's note, is the answer
};

[[noreturn]] void run(const orders& orders) noexcept;

}  // namespace launcher::service_child
