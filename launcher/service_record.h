// What must be known of a service without systemd beyond its cgroup: who its first process is, and how it ended. A file of
// root's in the runtime directory, one for each unit.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "launcher/outcome.h"
#include "launcher/process_mark.h"

namespace launcher {

struct service_record {
    process_mark main;
    std::chrono::microseconds timeout_stop{};
    std::optional<int> wait_status;  // as waitpid gives it
};

outcome<void> write_service_record(const std::string& directory, const std::string& unit, const service_record& record);
// None: there is none, it is not root's, or it is of another boot.
std::optional<service_record> read_service_record(const std::string& directory, const std::string& unit);
void remove_service_record(const std::string& directory, const std::string& unit);

// "exit code 1", "signal 9"
std::string words_of_wait_status(int status);

}  // namespace launcher
