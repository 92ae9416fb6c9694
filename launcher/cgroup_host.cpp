#include "launcher/cgroup_host.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <utility>

#include "launcher/process_tree.h"
#include "launcher/service_record.h"
#include "launcher/spawn_service.h"
#include "launcher/systemd_manager.h"
#include "launcher/waiting.h"

namespace launcher {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kill_patience = seconds(10);

// This process's own, whoever asks: only these are waited for. Those of an earlier launcher are init's to bury.
class children {
public:
    void add(pid_t pid) {
        const std::lock_guard lock(lock_);
        all_.insert(pid);
    }
    // How it ended, when it was ours and has.
    std::optional<int> reap(pid_t pid) {
        const std::lock_guard lock(lock_);
        if (!all_.contains(pid)) return {};
        int status = 0;
        const auto waited = ::waitpid(pid, &status, WNOHANG);
        if (waited == 0) return {};
        all_.erase(pid);
        return waited == pid ? std::optional(status) : std::nullopt;
    }

private:
    std::mutex lock_;
    std::set<pid_t> all_;
};
children& ours() {
    static children all;
    return all;
}

std::vector<pid_t> session_of(pid_t leader) {
    std::vector<pid_t> found;
    std::error_code error;
    for (const auto& each : std::filesystem::directory_iterator("/proc", error)) {
        const auto name = each.path().filename().string();
        pid_t pid = 0;
        process_stat stat;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc() || !read_stat(pid, stat)) continue;
        if (stat.session == leader && stat.state != 'Z' && stat.state != 'X') found.push_back(pid);
    }
    return found;
}

}  // namespace

cgroup_host::cgroup_host(std::string records, cgroup_roots roots) : records_(std::move(records)), roots_(std::move(roots)) {}

std::vector<pid_t> cgroup_host::members(const std::string& unit) const {
    const cgroup_group group(roots_, unit);
    if (group.exists()) return group.members();
    const auto record = read_service_record(records_, unit);
    if (!record || !still_running(record->main)) return {};
    return session_of(record->main.pid);
}

void cgroup_host::send(const std::string& unit, int signal) const {
    const cgroup_group group(roots_, unit);
    if (group.exists()) return group.signal(signal);
    for (const pid_t pid : members(unit)) ::kill(pid, signal);
}

void cgroup_host::clear(const std::string& unit) const {
    cgroup_group(roots_, unit).remove(kill_patience);
    remove_service_record(records_, unit);
}

outcome<void> cgroup_host::start(const transient_service& service) {
    const auto& unit = service.unit;
    if (auto fine = check_unit_name(unit); !fine) return fine;
    if (auto fine = check_service(service); !fine) return fine;
    const auto fault = [&](const std::string& why) { return unit + " could not be started: " + why; };
    const auto before = state(unit);
    if (before && before->is_alive()) return fault("it runs already");
    cgroup_group group(roots_, unit);
    if (auto made = group.make(service.memory_max); !made) {
        group.remove();
        return fault(made.error());
    }
    service_record record;
    record.timeout_stop = service.timeout_stop;
    const auto spawned = [&]() -> outcome<process_mark> {
        if (auto kept = write_service_record(records_, unit, record); !kept) return error_text(fault(kept.error()));
        const auto output = service.output_file.empty() ? records_ + "/" + unit + ".log" : service.output_file;
        const unique_fd file(::open(output.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file) return error_text(fault(output + ": " + std::strerror(errno)));
        const auto doors = group.doors();
        if (!doors) return error_text(fault(doors.error()));
        return spawn_service(service, *doors, file.get(), [&](const process_mark& mark) {
            record.main = mark;
            return write_service_record(records_, unit, record);
        });
    }();
    if (spawned) {
        ours().add(spawned->pid);
        return {};
    }
    group.kill(kill_patience);
    clear(unit);
    return spawned.error();
}

outcome<service_state> cgroup_host::state(const std::string& unit) {
    using phase = service_state::phase;
    if (auto fine = check_unit_name(unit); !fine) return error_text(fine.error());
    service_state state;
    auto record = read_service_record(records_, unit);
    if (record && !record->wait_status)
        if (const auto status = ours().reap(record->main.pid)) {
            record->wait_status = status;
            (void)write_service_record(records_, unit, *record);
        }
    const bool left = !members(unit).empty();
    if (record && still_running(record->main)) {
        state.now = phase::running;
        state.main_pid = record->main.pid;
        return state;
    }
    if (left) state.now = phase::ending;
    else if (record) state.now = phase::ended;
    if (record && record->wait_status) state.how_ended = words_of_wait_status(*record->wait_status);
    return state;
}

outcome<std::vector<pid_t>> cgroup_host::processes(const std::string& unit) {
    if (auto fine = check_unit_name(unit); !fine) return error_text(fine.error());
    return members(unit);
}

outcome<void> cgroup_host::kill(const std::string& unit, int signal) {
    if (auto fine = check_unit_name(unit); !fine) return fine;
    const cgroup_group group(roots_, unit);
    if (signal == SIGKILL && group.exists()) group.kill(milliseconds(0));
    else send(unit, signal);
    return {};
}

outcome<void> cgroup_host::stop(const std::string& unit, milliseconds deadline) {
    if (auto fine = check_unit_name(unit); !fine) return fine;
    const auto record = read_service_record(records_, unit);
    const auto gone = [&] {
        if (record) ours().reap(record->main.pid);
        return members(unit).empty();
    };
    if (!gone()) {
        send(unit, SIGTERM);
        send(unit, SIGCONT);
        const auto grace = record ? std::chrono::duration_cast<milliseconds>(record->timeout_stop) : milliseconds(0);
        if (!wait_until(std::min(grace, deadline), gone)) {
            const cgroup_group group(roots_, unit);
            if (group.exists()) group.kill(kill_patience);
            else send(unit, SIGKILL);
        }
    }
    if (!wait_until(kill_patience, gone)) {
        const auto left = members(unit);
        if (!left.empty())
            return "process " + std::to_string(left.front()) + " of " + unit + " cannot be ended: it hangs in the kernel";
    }
    clear(unit);
    return {};
}

outcome<void> cgroup_host::forget(const std::string& unit) {
    const auto known = state(unit);
    if (!known) return error_text(known.error());
    if (!known->is_alive()) clear(unit);
    return {};
}

}  // namespace launcher
