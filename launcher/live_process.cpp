#include "launcher/live_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include "launcher/arguments.h"
#include "launcher/fd.h"
#include "launcher/kubelets_cgroup.h"

namespace launcher {
namespace {

constexpr std::size_t max_file = 4u << 20;

// A file of procfs has no size; it is read until its end.
std::optional<std::string> read_proc(const std::string& path) {
    const unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return std::nullopt;
    std::string bytes;
    char buffer[8192];
    for (;;) {
        const auto n = ::read(fd.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return std::nullopt;
        if (n == 0 || bytes.size() > max_file) return bytes;
        bytes.append(buffer, static_cast<std::size_t>(n));
    }
}

std::string read_link(const std::string& path) {
    char target[4096];
    const auto n = ::readlink(path.c_str(), target, sizeof target);
    return n > 0 ? std::string(target, static_cast<std::size_t>(n)) : "";
}

std::vector<std::string> split_at_nul(const std::string& bytes) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < bytes.size();) {
        const auto end = std::min(bytes.find('\0', at), bytes.size());
        out.push_back(bytes.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

std::vector<std::uint64_t> numbers(std::string_view text) {
    std::vector<std::uint64_t> out;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
        std::uint64_t number = 0;
        const auto [after, ec] = std::from_chars(at, end, number);
        if (ec == std::errc()) out.push_back(number);
        at = std::max(after, at + 1);
    }
    return out;
}

// The numbers of a line such as "Uid:\t0\t0\t0\t0".
std::vector<std::uint64_t> status_line(const std::string& status, std::string_view name) {
    auto at = status.rfind("\n" + std::string(name) + ":");
    if (at == std::string::npos) return {};
    at += name.size() + 2;
    return numbers(std::string_view(status).substr(at, status.find('\n', at) - at));
}

// State and start time, fields 3 and 22. The name before them is in parentheses and may hold anything.
struct stat_line {
    char state = 0;
    std::uint64_t start_time = 0;
};
std::optional<stat_line> read_stat_line(const std::string& directory) {
    const auto stat = read_proc(directory + "/stat");
    if (!stat) return std::nullopt;
    auto at = stat->rfind(") ");
    if (at == std::string::npos || at + 2 >= stat->size()) return std::nullopt;
    stat_line out;
    out.state = (*stat)[at += 2];
    for (int field = 3; field < 22; ++field) {
        at = stat->find(' ', at);
        if (at++ == std::string::npos) return std::nullopt;
    }
    const auto [end, ec] = std::from_chars(stat->data() + at, stat->data() + stat->size(), out.start_time);
    if (ec != std::errc()) return std::nullopt;
    return out;
}

struct close_directory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

bool is_gone(char state) { return state == 'Z' || state == 'X' || state == 'x'; }

void read_environment(const std::string& directory, live_process& out) {
    const auto bytes = read_proc(directory + "/environ");
    out.environment_hidden = !bytes;
    if (!bytes) return;
    for (auto& word : split_at_nul(*bytes))
        if (const auto equals = word.find('='); equals != std::string::npos)
            out.environment.emplace_back(word.substr(0, equals), word.substr(equals + 1));
}

std::optional<live_process> look_at(pid_t pid, std::string_view program, const std::string& proc) {
    const std::string directory = proc + "/" + std::to_string(pid);
    live_process out;
    out.pid = pid;
    // The start time is read first and again at the end: between the two the pid meant one process.
    const auto before = read_stat_line(directory);
    if (!before || is_gone(before->state)) return std::nullopt;
    out.start_time = before->start_time;
    if (const auto words = read_proc(directory + "/cmdline")) out.argv = split_at_nul(*words);
    out.executable = read_link(directory + "/exe");
    if (out.executable.ends_with(" (deleted)")) out.executable.resize(out.executable.size() - std::strlen(" (deleted)"));
    const bool by_name = !out.argv.empty() && base_name(out.argv[0]) == program;
    if (!program.empty() && !by_name && base_name(out.executable) != program) return std::nullopt;
    read_environment(directory, out);
    out.working_directory = read_link(directory + "/cwd");
    out.cgroup = read_proc(directory + "/cgroup").value_or("");
    const auto status = read_proc(directory + "/status").value_or("");
    const auto users = status_line(status, "Uid"), groups = status_line(status, "Gid");
    if (users.size() != 4 || groups.size() != 4) return std::nullopt;
    out.uid = static_cast<uid_t>(users[1]);  // real, effective, saved, file system
    out.one_uid = std::all_of(users.begin(), users.end(), [&](auto each) { return each == users[0]; });
    out.gid = static_cast<gid_t>(groups[1]);
    for (const auto id : status_line(status, "Groups")) out.groups.push_back(static_cast<gid_t>(id));
    out.in_container = status_line(status, "NSpid").size() > 1;
    out.of_the_kubelet = is_of_the_kubelet(out.cgroup);
    const auto after = read_stat_line(directory);
    if (!after || is_gone(after->state) || after->start_time != out.start_time) return std::nullopt;
    return out;
}

}  // namespace

std::optional<live_process> read_process(pid_t pid, const std::string& proc) { return look_at(pid, {}, proc); }

std::vector<live_process> find_processes(std::string_view program, const std::string& proc) {
    std::vector<live_process> found;
    const std::unique_ptr<DIR, close_directory> directory(::opendir(proc.c_str()));
    if (!directory) return found;
    while (const dirent* entry = ::readdir(directory.get())) {
        const std::string_view name = entry->d_name;
        pid_t pid = 0;
        const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (ec != std::errc() || end != name.data() + name.size() || pid <= 0) continue;
        if (auto process = look_at(pid, program, proc)) found.push_back(std::move(*process));
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
    return found;
}

outcome<live_process> find_kubelet(const std::string& proc) {
    auto found = find_processes("kubelet", proc);
    std::erase_if(found, [](const live_process& p) {
        return p.uid != 0 || !p.one_uid || p.in_container || p.argv.empty() || base_name(p.executable) != "kubelet";
    });
    if (found.size() == 1) return std::move(found.front());
    if (found.empty())
        return "no kubelet runs on this node: without it a static pod is neither stopped nor started again; start it first";
    return "there are " + std::to_string(found.size()) + " kubelets on this node (pids " +
           std::to_string(found[0].pid) + " and " + std::to_string(found[1].pid) +
           "): which one runs the component cannot be told";
}

bool still_runs(const live_process& process, const std::string& proc) {
    const auto now = read_stat_line(proc + "/" + std::to_string(process.pid));
    return now && !is_gone(now->state) && now->start_time == process.start_time;
}

}  // namespace launcher
