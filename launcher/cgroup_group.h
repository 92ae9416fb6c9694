// A cgroup (v2) of a service's own: who is in it, and the end of all of them, whatever they have forked meanwhile.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "launcher/fd.h"
#include "launcher/outcome.h"

namespace launcher {

// Where cgroups can be made.
struct cgroup_roots {
    std::string unified;    // directory of version 2; empty: there is none
    std::string memory_v1;  // of version 1's memory controller, where version 2 does not have it; else empty
    std::string trouble;    // why there is none

    std::string directory() const { return unified + "/delvegate"; }  // below it, one for each unit
    // Whether one could be made now, with that limit (0: none). Changes nothing.
    outcome<void> can_hold(std::uint64_t memory_max) const;
};
// From /proc/self/mountinfo.
cgroup_roots find_cgroups();

class cgroup_group {
public:
    // Of that unit, there or not.
    cgroup_group(const cgroup_roots& roots, const std::string& unit);

    // Makes it, empty, with that limit. An error when there are processes in it already.
    outcome<void> make(std::uint64_t memory_max);
    // To each of these a process writes "0" to join.
    outcome<std::vector<unique_fd>> doors() const;
    const std::string& directory() const { return unified_; }

    bool exists() const;
    std::vector<pid_t> members() const;  // those of groups below it too; without zombies
    void signal(int number) const;       // to all who are in it now
    // SIGKILL until nobody is left. False: somebody is still there after that time.
    bool kill(std::chrono::milliseconds patience) const;
    // If nobody is in it; for that time, as long as the kernel says that it is busy.
    void remove(std::chrono::milliseconds patience = {}) const;

private:
    std::string unified_, memory_;  // the latter empty: version 2 limits it
    cgroup_roots roots_;
};

}  // namespace launcher
