// What a dlv_process consists of. Only for dlv_process.cpp and dlv_start.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "launcher/dlv_process.h"
#include "launcher/fd.h"
#include "launcher/memory_limit.h"
#include "launcher/supervisor.h"
#include "launcher/users.h"

namespace launcher {

// True when `fd` has something (data or its end) before the deadline.
bool wait_readable(int fd, std::chrono::steady_clock::time_point deadline);

struct dlv_process::impl {
    exec_spec spec;
    dlv_version version;
    dlv_address address;
    unique_fd control;
    unique_fd output;  // for reading
    std::uint64_t output_start = 0;
    pid_t supervisor = -1;
    pid_t dlv = -1;
    bool announced = false;
    bool finished = false;  // the last report has been read, or the supervisor has died
    bool asked = false;
    bool group_limited = false;
    std::string elsewhere;         // the address that dlv should not have announced
    std::string socket_directory;  // empty: TCP
    std::string socket_path;
    memory_group group;

    ~impl();
    outcome<void> prepare(user_account& user, std::string& dlv_path);
    outcome<void> launch(const user_account& user, const std::string& dlv_path);
    outcome<void> await_spawn(const std::string& dlv_path);
    outcome<void> explain_spawn(const supervisor_report& report, const std::string& dlv_path) const;
    std::optional<supervisor_report> receive(bool& ended) const;
    void order(supervisor_order what);
    void reap_supervisor();
    void remove_traces() const;
    exit_info explain(const supervisor_report& report) const;
    exit_info supervisor_died();
    std::string output_tail() const;
};

}  // namespace launcher
