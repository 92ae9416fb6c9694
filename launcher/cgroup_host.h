// Services without systemd: each in a cgroup of its own, which is the handle to find and to end all of it, and with a record
// in the runtime directory of who its first process is. The cgroup is the truth; the record says what it does not.
#pragma once

#include <string>

#include "launcher/cgroup_group.h"
#include "launcher/process_mark.h"
#include "launcher/service_host.h"

namespace launcher {

class cgroup_host final : public service_host {
public:
    // Of root. `records`: a directory, made when the first service is started, in one that only root can write.
    cgroup_host(std::string records, cgroup_roots roots);

    outcome<void> start(const transient_service& service) override;
    outcome<service_state> state(const std::string& unit) override;
    outcome<std::vector<pid_t>> processes(const std::string& unit) override;
    outcome<void> kill(const std::string& unit, int signal) override;
    outcome<void> stop(const std::string& unit, std::chrono::milliseconds deadline = default_deadline) override;
    outcome<void> forget(const std::string& unit) override;

private:
    // Of the cgroup; where that is not to be seen, of the first process's session.
    std::vector<pid_t> members(const std::string& unit) const;
    void send(const std::string& unit, int signal) const;
    void clear(const std::string& unit) const;

    const std::string records_;
    const cgroup_roots roots_;
};

}  // namespace launcher
