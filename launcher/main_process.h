// A service's main process as /proc has it: the truth about what a unit runs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/unit_words.h"

namespace launcher {

struct main_process {
    pid_t pid = 0;
    std::uint64_t started = 0;  // clock ticks since boot
    std::vector<std::string> argv;
    environment_list environment;
    std::string executable;  // without " (deleted)"
    bool executable_deleted = false;
    bool file_capabilities = false;  // of the executable: a debugged program does not get them
    std::string working_directory;
    uid_t uid = 0;  // effective
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::vector<std::uint16_t> ports;  // TCP, that it listens on; sorted
};

// The error says that it is gone or may not be looked at.
outcome<main_process> read_main_process(pid_t pid);

// Clock ticks since boot at which it started; 0 when there is none (or a zombie only).
std::uint64_t start_time_of(pid_t pid);

// What systemd puts into a service's environment for this one run of it (NOTIFY_SOCKET, WATCHDOG_*, INVOCATION_ID, …).
// In another process it would only do harm.
bool is_for_one_run(std::string_view variable);

// Local ports in the listening state among the lines of /proc/PID/net/tcp or tcp6 whose inode is one of these. Pure.
std::vector<std::uint16_t> listening_ports(std::string_view table, const std::vector<std::uint64_t>& inodes);

}  // namespace launcher
