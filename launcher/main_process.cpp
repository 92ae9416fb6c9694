#include "launcher/main_process.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#include "launcher/failed.h"

namespace launcher {

namespace {

bool read_file(const std::string& path, std::string& into) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return false;
    std::ostringstream text;
    text << file.rdbuf();
    into = text.str();
    return !file.bad();
}

std::vector<std::string> nul_terminated(const std::string& text) {
    std::vector<std::string> result;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\0', at), text.size());
        result.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return result;
}

std::string link_target(const std::string& path) {
    char buffer[PATH_MAX];
    const auto size = ::readlink(path.c_str(), buffer, sizeof buffer);
    return size < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(size));
}

std::vector<std::uint64_t> sockets_of(const std::string& directory) {
    std::vector<std::uint64_t> inodes;
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir((directory + "/fd").c_str()), ::closedir);
    if (!entries) return inodes;
    while (const auto* entry = ::readdir(entries.get())) {
        const auto target = link_target(directory + "/fd/" + entry->d_name);
        constexpr std::string_view prefix = "socket:[";
        std::uint64_t inode = 0;
        if (target.starts_with(prefix) &&
            std::from_chars(target.data() + prefix.size(), target.data() + target.size(), inode).ec == std::errc())
            inodes.push_back(inode);
    }
    return inodes;
}

// The third number of "Uid:\t1\t2\t3\t4" is not it: real, effective, saved, of the file system.
void read_identity(const std::string& status, main_process& process) {
    std::istringstream lines(status);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string name;
        words >> name;
        std::uint32_t number = 0;
        if (name == "Uid:" && words >> number >> number) process.uid = number;
        if (name == "Gid:" && words >> number >> number) process.gid = number;
        if (name == "Groups:")
            while (words >> number) process.groups.push_back(number);
    }
}

}  // namespace

std::uint64_t start_time_of(pid_t pid) {
    std::string text;
    if (pid <= 0 || !read_file("/proc/" + std::to_string(pid) + "/stat", text)) return 0;
    const auto close = text.rfind(')');
    if (close == std::string::npos) return 0;
    std::istringstream fields(text.substr(close + 1));
    std::string field;
    char state = 0;
    fields >> state;
    if (state == 'Z' || state == 'X') return 0;
    for (int i = 4; i < 22; ++i) fields >> field;
    std::uint64_t started = 0;
    fields >> started;
    return fields ? started : 0;
}

outcome<main_process> read_main_process(pid_t pid) {
    const auto directory = "/proc/" + std::to_string(pid);
    const auto fault = [&](const std::string& why) {
        return failed<main_process>("process " + std::to_string(pid) + " cannot be looked at: " + why);
    };
    main_process process;
    process.pid = pid;
    process.started = start_time_of(pid);
    if (process.started == 0) return fault("it is gone; ask again");
    std::string text;
    if (!read_file(directory + "/cmdline", text)) return fault("its arguments may not be read: run as root");
    process.argv = nul_terminated(text);
    if (!read_file(directory + "/environ", text)) return fault("its environment may not be read: run as root");
    process.environment = nul_terminated(text);
    process.executable = link_target(directory + "/exe");
    if (process.executable.empty()) return fault("its program may not be seen: run as root");
    constexpr std::string_view deleted = " (deleted)";
    if (struct stat there {}; process.executable.ends_with(deleted) && ::stat(process.executable.c_str(), &there) != 0) {
        process.executable.resize(process.executable.size() - deleted.size());
        process.executable_deleted = true;
    }
    process.file_capabilities = ::getxattr((directory + "/exe").c_str(), "security.capability", nullptr, 0) > 0;
    process.working_directory = link_target(directory + "/cwd");
    if (!read_file(directory + "/status", text)) return fault("its status may not be read");
    read_identity(text, process);
    const auto sockets = sockets_of(directory);
    for (const char* table : {"/net/tcp", "/net/tcp6"}) {
        if (!read_file(directory + table, text)) continue;
        for (const auto port : listening_ports(text, sockets)) process.ports.push_back(port);
    }
    std::sort(process.ports.begin(), process.ports.end());
    process.ports.erase(std::unique(process.ports.begin(), process.ports.end()), process.ports.end());
    // Read from several files: of one process only if it is still the same.
    if (start_time_of(pid) != process.started) return fault("it ended meanwhile; ask again");
    return process;
}

bool is_for_one_run(std::string_view variable) {
    constexpr std::string_view names[] = {
        "INVOCATION_ID", "SYSTEMD_EXEC_PID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
        "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "MAINPID", "MANAGERPID", "MEMORY_PRESSURE_WATCH",
        "MEMORY_PRESSURE_WRITE", "FDSTORE", "LISTEN_PIDFDID",
        "MAINPIDFDID", "MANAGERPIDFDID", "REMOTE_ADDR", "REMOTE_PORT", "TRIGGER_UNIT", "TRIGGER_PATH"};
    return std::find(std::begin(names), std::end(names), variable) != std::end(names);
}

std::vector<std::uint16_t> listening_ports(std::string_view table, const std::vector<std::uint64_t>& inodes) {
    std::vector<std::uint16_t> ports;
    std::istringstream lines{std::string(table)};
    std::string line;
    std::getline(lines, line);  // the heading
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string number, local, remote, state, queues, timer, retransmits, uid, timeout;
        std::uint64_t inode = 0;
        if (!(words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode))
            continue;
        const auto colon = local.rfind(':');
        std::uint16_t port = 0;
        if (state == "0A" && colon != std::string::npos && std::find(inodes.begin(), inodes.end(), inode) != inodes.end() &&
            std::from_chars(local.data() + colon + 1, local.data() + local.size(), port, 16).ec == std::errc())
            ports.push_back(port);
    }
    return ports;
}

}  // namespace launcher
