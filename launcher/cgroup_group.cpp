#include "launcher/cgroup_group.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "launcher/memory_limit.h"
#include "launcher/waiting.h"

namespace launcher {

namespace {

namespace fs = std::filesystem;

std::string bytes_of(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

bool has_word(const std::string& file, const std::string& word) {
    std::istringstream words(bytes_of(file));
    for (std::string each; words >> each;)
        if (each == word) return true;
    return false;
}

bool write_to(const std::string& file, const std::string& text) {
    const unique_fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string words(const std::string& what) { return what + ": " + std::strerror(errno); }

constexpr const char* no_memory_mend = "; memoryLimit: 0 of the component in launcher.yaml lets it run without a limit";

// Memory is given to what is below a group only where no process is in the group itself; the true root is excepted.
outcome<void> gives_memory(const std::string& root) {
    if (has_word(root + "/cgroup.subtree_control", "memory")) return {};
    if (!has_word(root + "/cgroup.controllers", "memory"))
        return "no memory limit can be set: " + root + " does not have the memory controller" + no_memory_mend;
    if (::access((root + "/cgroup.type").c_str(), F_OK) == 0 && !bytes_of(root + "/cgroup.procs").empty())
        return "no memory limit can be set: there are processes in " + root + " itself, and with these it gives the memory "
               "controller to nobody; move them into a group below it" + no_memory_mend;
    return {};
}

outcome<void> make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
    return words(path + " could not be made");
}

std::vector<fs::path> groups_below(const fs::path& directory) {
    std::vector<fs::path> found;
    std::error_code error;
    for (auto each = fs::recursive_directory_iterator(directory, error); !error && each != fs::recursive_directory_iterator();
         each.increment(error))
        if (each->is_directory(error)) found.push_back(each->path());
    return found;
}

void read_members(const fs::path& directory, std::vector<pid_t>& to) {
    std::istringstream text(bytes_of(directory / "cgroup.procs"));
    for (pid_t pid = 0; text >> pid;)
        if (pid > 0) to.push_back(pid);  // 0: of another PID namespace
}

// Who is ending is in no list any more, and keeps its group busy still.
void remove_empty(const std::string& directory, std::chrono::milliseconds patience) {
    if (directory.empty()) return;
    auto all = groups_below(directory);
    std::ranges::sort(all, [](const auto& a, const auto& b) { return a.native().size() > b.native().size(); });
    wait_until(patience, [&] {
        for (const auto& each : all) ::rmdir(each.c_str());
        return ::rmdir(directory.c_str()) == 0 || errno != EBUSY;
    });
}

}  // namespace

cgroup_roots find_cgroups() {
    cgroup_roots found;
    const auto mounts = bytes_of("/proc/self/mountinfo"), own = bytes_of("/proc/self/cgroup");
    const auto unified = unified_place(mounts, own);
    if (!unified) {
        found.trouble = "there is neither systemd nor cgroup v2 here, by which dlv and debuggee would be found and ended again: "
                        "mount -t cgroup2 cgroup2 /sys/fs/cgroup";
        return found;
    }
    found.unified = unified->mount;
    if (!has_word(found.unified + "/cgroup.controllers", "memory"))
        if (const auto memory = memory_v1_place(mounts, own)) found.memory_v1 = memory->mount;
    return found;
}

outcome<void> cgroup_roots::can_hold(std::uint64_t memory_max) const {
    if (!trouble.empty()) return trouble;
    const auto there = [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; };
    const auto parent = there(directory()) ? directory() : unified;
    if (::access(parent.c_str(), W_OK) != 0)
        return "there is no systemd here, and no cgroup can be made: " + words(parent) + "; mount -o remount,rw " + unified;
    if (memory_max == 0) return {};
    if (memory_v1.empty()) return gives_memory(unified);
    if (::access(memory_v1.c_str(), W_OK) != 0)
        return "no memory limit can be set: " + words(memory_v1) + "; mount -o remount,rw " + memory_v1;
    return {};
}

cgroup_group::cgroup_group(const cgroup_roots& roots, const std::string& unit) : roots_(roots) {
    if (!roots.unified.empty()) unified_ = roots.directory() + "/" + unit;
    if (!roots.memory_v1.empty()) memory_ = roots.memory_v1 + "/delvegate/" + unit;
}

outcome<void> cgroup_group::make(std::uint64_t memory_max) {
    if (auto fine = roots_.can_hold(memory_max); !fine) return fine;
    if (const auto left = members(); !left.empty())
        return "process " + std::to_string(left.front()) + " is in " + unified_ + " already";
    remove();  // with the counters of what was in it
    if (auto made = make_directory(roots_.directory()); !made) return made;
    const auto above = fs::path(unified_).parent_path().string();
    if (memory_max != 0 && memory_.empty()) {
        for (const auto& each : {roots_.unified, above})
            if (!has_word(each + "/cgroup.subtree_control", "memory") && !write_to(each + "/cgroup.subtree_control", "+memory"))
                return words("no memory limit can be set: the memory controller is not given to what is below " + each) + no_memory_mend;
    }
    if (auto made = make_directory(unified_); !made) return made;
    if (memory_max == 0) return {};
    const auto limit = std::to_string(memory_max);
    if (memory_.empty()) {
        // Swapping would only hide it; the file is there only where swap is accounted for.
        write_to(unified_ + "/memory.swap.max", "0");
        if (!write_to(unified_ + "/memory.max", limit) || !write_to(unified_ + "/memory.oom.group", "1"))
            return words("the memory limit of " + unified_ + " could not be set");
        return {};
    }
    if (auto made = make_directory(fs::path(memory_).parent_path()); !made) return made;
    if (auto made = make_directory(memory_); !made) return made;
    if (!write_to(memory_ + "/memory.limit_in_bytes", limit)) return words("the memory limit of " + memory_ + " could not be set");
    write_to(memory_ + "/memory.memsw.limit_in_bytes", limit);
    return {};
}

outcome<std::vector<unique_fd>> cgroup_group::doors() const {
    std::vector<unique_fd> all;
    for (const auto& directory : {unified_, memory_}) {
        if (directory.empty() || (directory == memory_ && ::access(directory.c_str(), F_OK) != 0)) continue;
        all.emplace_back(::open((directory + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
        if (!all.back()) return error_text(words(directory + "/cgroup.procs"));
    }
    return all;
}

bool cgroup_group::exists() const { return !unified_.empty() && ::access((unified_ + "/cgroup.procs").c_str(), F_OK) == 0; }

std::vector<pid_t> cgroup_group::members() const {
    std::vector<pid_t> all;
    if (!exists()) return all;
    read_members(unified_, all);
    for (const auto& each : groups_below(unified_)) read_members(each, all);
    return all;
}

void cgroup_group::signal(int number) const {
    std::vector<std::pair<pid_t, unique_fd>> seen;
    for (const pid_t pid : members()) {
        unique_fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        if (fd) seen.emplace_back(pid, std::move(fd));
    }
    // Asked again, lest the number was taken over before it was held.
    const auto still = members();
    for (const auto& [pid, fd] : seen)
        if (std::ranges::find(still, pid) != still.end()) ::syscall(SYS_pidfd_send_signal, fd.get(), number, nullptr, 0);
}

bool cgroup_group::kill(std::chrono::milliseconds patience) const {
    // Before Linux 5.14 there is no cgroup.kill; who is frozen cannot fork, and dies nonetheless.
    const bool at_once = write_to(unified_ + "/cgroup.kill", "1");
    if (!at_once) write_to(unified_ + "/cgroup.freeze", "1");
    const bool gone = wait_until(patience, [&] {
        if (members().empty()) return true;
        if (!at_once) signal(SIGKILL);
        return members().empty();
    });
    if (!at_once) write_to(unified_ + "/cgroup.freeze", "0");
    return gone;
}

void cgroup_group::remove(std::chrono::milliseconds patience) const {
    remove_empty(unified_, patience);
    remove_empty(memory_, patience);
}

}  // namespace launcher
