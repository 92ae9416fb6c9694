#include "launcher/memory_limit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

namespace launcher {

namespace {

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool write_file(const std::string& path, const std::string& text) {
    const unique_fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(separator, begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

bool has_word(std::string_view text, std::string_view word, char separator) {
    for (const auto part : split(text, separator))
        if (part == word) return true;
    return false;
}

// mountinfo: ID PARENT DEV ROOT POINT OPTIONS [FIELDS…] - TYPE SOURCE SUPER
struct mount_line {
    std::string_view root, point, type, super;
};
std::optional<mount_line> parse_mount(std::string_view line) {
    const auto parts = split(line, ' ');
    for (std::size_t i = 6; i + 3 < parts.size(); ++i)
        if (parts[i] == "-") return mount_line{parts[3], parts[4], parts[i + 1], parts[i + 3]};
    return std::nullopt;
}

// In a container the mount's root may be a part of the hierarchy; our path is then below it, or,
// with a private cgroup namespace, relative to it already.
cgroup_place place(const mount_line& mount, std::string_view path) {
    if (mount.root != "/" && path.starts_with(mount.root)) path.remove_prefix(mount.root.size());
    cgroup_place result{std::string(mount.point), std::string(mount.point)};
    if (!path.empty() && path != "/")
        result.path += std::string(path.front() == '/' ? "" : "/") + std::string(path);
    return result;
}

std::optional<std::string_view> own_path(std::string_view cgroups, std::string_view controller) {
    for (const auto line : split(cgroups, '\n')) {
        const auto first = line.find(':');
        const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const auto controllers = line.substr(first + 1, second - first - 1);
        if (controller.empty() ? (controllers.empty() && line.starts_with("0:"))
                               : has_word(controllers, controller, ','))
            return line.substr(second + 1);
    }
    return std::nullopt;
}

bool is_delegated(const std::string& directory) {
    char value[8] = {};
    for (const char* name : {"user.delegate", "trusted.delegate"}) {
        if (::getxattr(directory.c_str(), name, value, sizeof value - 1) > 0 && value[0] == '1')
            return true;
    }
    return false;
}

bool gives_memory(const std::string& directory) {
    const auto file = directory + "/cgroup.subtree_control";
    auto enabled = [&] {
        auto words = read_file(file);
        if (!words.empty() && words.back() == '\n') words.pop_back();
        return has_word(words, "memory", ' ');
    };
    return enabled() || (write_file(file, "+memory") && enabled());
}

// The cgroup below which ours can be made: our own or an ancestor, as far up as the delegation
// goes.
std::optional<std::string> unified_parent(const cgroup_place& own) {
    const bool whole_tree =
        own.path == own.mount;  // nobody else manages it: a container, or no systemd
    std::string delegated = whole_tree ? own.path : std::string();
    for (auto at = own.path; delegated.empty() && at.size() > own.mount.size();
         at = at.substr(0, at.rfind('/')))
        if (is_delegated(at)) delegated = at;
    if (delegated.empty()) return std::nullopt;
    for (auto at = own.path; at.size() >= delegated.size(); at = at.substr(0, at.rfind('/'))) {
        if (::access(at.c_str(), W_OK) == 0 && gives_memory(at)) return at;
        if (at == delegated) break;
    }
    return std::nullopt;
}

constexpr std::string_view directory_prefix = "delvegate-";

// Ours are named after their owner's pid; only empty ones can be removed at all.
void remove_abandoned(const std::string& parent) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
        const auto name = entry.path().filename().string();
        const auto last = name.rfind('-');
        const auto before =
            last == std::string::npos || last == 0 ? std::string::npos : name.rfind('-', last - 1);
        if (!name.starts_with(directory_prefix) || before == std::string::npos ||
            before + 1 < directory_prefix.size())
            continue;
        pid_t owner = 0;
        const auto [stop, ec] =
            std::from_chars(name.data() + before + 1, name.data() + last, owner);
        if (ec != std::errc() || stop != name.data() + last || owner <= 0) continue;
        if (::kill(owner, 0) != 0 && errno == ESRCH) ::rmdir(entry.path().c_str());
    }
}

std::string fresh_directory(const std::string& parent, const std::string& name) {
    remove_abandoned(parent);
    static std::atomic<unsigned> counter{0};
    std::string safe;
    for (const char c : name)
        safe +=
            (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') ? c : '_';
    return parent + "/" + std::string(directory_prefix) + safe.substr(0, 64) + "-" +
           std::to_string(::getpid()) + "-" + std::to_string(++counter);
}

unique_fd open_in(const std::string& directory, const char* name, int flags) {
    return unique_fd(::open((directory + "/" + name).c_str(), flags | O_CLOEXEC));
}

std::optional<memory_group> make_unified(const std::string& parent, const std::string& name,
                                         const std::string& bytes) {
    memory_group group;
    group.directory = fresh_directory(parent, name);
    if (::mkdir(group.directory.c_str(), 0755) != 0) return std::nullopt;
    if (write_file(group.directory + "/memory.max", bytes)) {
        // Swapping a runaway program would only hide it for longer; neither file need exist.
        write_file(group.directory + "/memory.swap.max", "0");
        write_file(group.directory + "/memory.oom.group", "1");
        group.procs = open_in(group.directory, "cgroup.procs", O_WRONLY);
        group.events = open_in(group.directory, "memory.events", O_RDONLY);
        group.kill = open_in(group.directory, "cgroup.kill", O_WRONLY);
        if (group.procs && group.events) return group;
    }
    ::rmdir(group.directory.c_str());
    return std::nullopt;
}

std::optional<memory_group> make_v1(const std::string& parent, const std::string& name,
                                    const std::string& bytes) {
    memory_group group;
    group.directory = fresh_directory(parent, name);
    if (::mkdir(group.directory.c_str(), 0755) != 0) return std::nullopt;
    write_file(group.directory + "/memory.use_hierarchy", "1");
    if (write_file(group.directory + "/memory.limit_in_bytes", bytes)) {
        write_file(group.directory + "/memory.memsw.limit_in_bytes", bytes);
        group.procs = open_in(group.directory, "cgroup.procs", O_WRONLY);
        group.events = open_in(group.directory, "memory.oom_control", O_RDONLY);
        if (group.procs && group.events) return group;
    }
    ::rmdir(group.directory.c_str());
    return std::nullopt;
}

std::vector<pid_t> members(const memory_group& group) {
    std::istringstream text(read_file(group.directory + "/cgroup.procs"));
    std::vector<pid_t> pids;
    for (pid_t pid = 0; text >> pid;) pids.push_back(pid);
    return pids;
}

}  // namespace

int kill_members(const memory_group& group) {
    std::vector<std::pair<pid_t, unique_fd>> seen;
    for (const pid_t pid : members(group)) {
        unique_fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        if (fd) seen.emplace_back(pid, std::move(fd));
    }
    // Asked again, lest the number was taken over before it was held.
    const auto still = members(group);
    int killed = 0;
    for (const auto& [pid, fd] : seen) {
        if (std::find(still.begin(), still.end(), pid) == still.end()) continue;
        if (::syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0) == 0) ++killed;
    }
    return killed;
}

std::optional<cgroup_place> unified_place(std::string_view mountinfo, std::string_view cgroups) {
    const auto path = own_path(cgroups, "");
    if (!path) return std::nullopt;
    for (const auto line : split(mountinfo, '\n'))
        if (const auto mount = parse_mount(line); mount && mount->type == "cgroup2")
            return place(*mount, *path);
    return std::nullopt;
}

std::optional<cgroup_place> memory_v1_place(std::string_view mountinfo, std::string_view cgroups) {
    const auto path = own_path(cgroups, "memory");
    if (!path) return std::nullopt;
    for (const auto line : split(mountinfo, '\n'))
        if (const auto mount = parse_mount(line);
            mount && mount->type == "cgroup" && has_word(mount->super, "memory", ','))
            return place(*mount, *path);
    return std::nullopt;
}

std::optional<memory_group> make_memory_group(const std::string& name, std::uint64_t bytes) {
    const auto mountinfo = read_file("/proc/self/mountinfo");
    const auto cgroups = read_file("/proc/self/cgroup");
    const auto limit = std::to_string(bytes);
    if (const auto own = unified_place(mountinfo, cgroups)) {
        if (const auto parent = unified_parent(*own)) {
            if (auto group = make_unified(*parent, name, limit)) return group;
        }
    }
    if (const auto own = memory_v1_place(mountinfo, cgroups))
        return make_v1(own->path, name, limit);
    return std::nullopt;
}

}  // namespace launcher
