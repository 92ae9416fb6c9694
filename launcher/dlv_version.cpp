#include "launcher/dlv_version.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <tuple>

#include "launcher/command_line.h"
#include "launcher/fd.h"

namespace launcher {

namespace {

constexpr auto version_deadline = std::chrono::seconds(10);

std::string install_hint() {
    return "install it with `go install github.com/go-delve/delve/cmd/dlv@latest` or Debian's "
           "package delve, or give "
           "its path as the component's dlv";
}

bool is_program(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
}

// Where `go install` puts it: named in the error, because PATH seldom has it for a service.
std::string go_bin_dlv() {
    const char* home = std::getenv("HOME");
    const char* gopath = std::getenv("GOPATH");
    std::string candidate;
    if (gopath != nullptr && *gopath != '\0')
        candidate = std::string(gopath) + "/bin/dlv";
    else if (home != nullptr)
        candidate = std::string(home) + "/go/bin/dlv";
    return is_program(candidate) ? candidate : std::string();
}

// Reads until the end of `fd`, 64 KiB at most; false when the deadline passes first.
bool read_until(int fd, std::chrono::steady_clock::time_point deadline, std::string& text) {
    constexpr std::size_t enough = 64 * 1024;
    std::array<char, 4096> chunk;
    while (text.size() < enough) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd waiting{fd, POLLIN, 0};
        const int ready =
            ::poll(&waiting, 1, static_cast<int>(std::max<long long>(0, left.count())));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        const auto n = ::read(fd, chunk.data(), chunk.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return true;
        text.append(chunk.data(), static_cast<std::size_t>(n));
    }
    return true;
}

outcome<dlv_version> ask(const std::string& path) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return "a pipe for `dlv version` could not be made: " + std::string(std::strerror(errno));
    unique_fd from(ends[0]), to(ends[1]);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, to.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, to.get(), 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

    const auto environment = base_environment(user_account{});
    auto env = c_strings(environment);
    const std::vector<std::string> command{path, "version"};
    auto argv = c_strings(command);
    pid_t pid = -1;
    const int error =
        ::posix_spawn(&pid, path.c_str(), &actions, &attributes, argv.data(), env.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    to.reset();
    if (error != 0)
        return path + " could not be run: " + std::strerror(error) + "; " + install_hint();

    std::string text;
    const bool answered =
        read_until(from.get(), std::chrono::steady_clock::now() + version_deadline, text);
    if (!answered) ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!answered)
        return "`" + path + " version` did not answer within 10 s: run it by hand to see why";
    auto version = parse_version(text);
    if (!version)
        return path + " does not seem to be dlv (`" + path +
               " version` names no version): " + install_hint();
    return version;
}

bool parse_numbers(std::string_view text, dlv_version& version) {
    std::array<int*, 3> parts{&version.major, &version.minor, &version.patch};
    const char* at = text.data();
    const char* end = at + text.size();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) {
            if (at == end || *at != '.') return i > 1;  // 1.22 is 1.22.0
            ++at;
        }
        const auto [stop, ec] = std::from_chars(at, end, *parts[i]);
        if (ec != std::errc() || *parts[i] < 0) return false;
        at = stop;
    }
    return true;
}

}  // namespace

std::string to_string(const dlv_version& version) {
    return std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
           std::to_string(version.patch);
}

outcome<dlv_version> parse_version(std::string_view output) {
    constexpr std::string_view label = "Version: ";
    for (std::size_t begin = 0; begin < output.size();) {
        const auto end = std::min(output.find('\n', begin), output.size());
        const auto line = output.substr(begin, end - begin);
        begin = end + 1;
        dlv_version version;
        if (line.starts_with(label) && parse_numbers(line.substr(label.size()), version))
            return version;
    }
    return std::string("no line `Version: X.Y.Z`");
}

outcome<std::string> find_dlv(const std::string& dlv) {
    const auto failure = [](std::string words) {
        return outcome<std::string>(boost::system::in_place_error, std::move(words));
    };
    const auto found = [](std::string path) {
        return outcome<std::string>(boost::system::in_place_value, std::move(path));
    };
    if (dlv.empty()) return failure("the component names no dlv: " + install_hint());
    if (dlv.find('/') != std::string::npos) {
        if (is_program(dlv)) {
            // The supervisor starts dlv in another directory.
            if (char* real = ::realpath(dlv.c_str(), nullptr);
                dlv.front() != '/' && real != nullptr) {
                std::string path(real);
                std::free(real);
                return found(std::move(path));
            } else {
                std::free(real);
            }
            return found(dlv);
        }
        if (::access(dlv.c_str(), F_OK) != 0)
            return failure("there is no dlv at " + dlv + ": " + install_hint());
        return failure(dlv + " is not a program this user can execute: correct its mode, or " +
                       install_hint());
    }
    const char* variable = std::getenv("PATH");
    const std::string path = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
    for (std::size_t begin = 0; begin <= path.size();) {
        const auto end = std::min(path.find(':', begin), path.size());
        const auto directory = path.substr(begin, end - begin);
        begin = end + 1;
        // An empty or relative entry means the current directory, which is no place to take a
        // debugger from.
        if (directory.empty() || directory.front() != '/') continue;
        if (auto candidate = directory + "/" + dlv; is_program(candidate))
            return found(std::move(candidate));
    }
    if (const auto other = dlv == "dlv" ? go_bin_dlv() : std::string(); !other.empty())
        return failure("dlv is not in PATH, but at " + other +
                       ": add its directory to PATH, or give that path as the component's dlv");
    return failure(dlv + " was not found in PATH (" + path + "): " + install_hint());
}

outcome<dlv_version> version_of(const std::string& dlv) {
    const auto path = find_dlv(dlv);
    if (!path) return path.error();

    using stamp = std::tuple<std::string, dev_t, ino_t, off_t, time_t, long>;
    static std::mutex guard;
    static std::map<stamp, dlv_version> known;
    struct stat info {};
    if (::stat(path->c_str(), &info) != 0) return *path + ": " + std::strerror(errno);
    const stamp key{*path,        info.st_dev,         info.st_ino,
                    info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
    {
        const std::lock_guard lock(guard);
        if (const auto it = known.find(key); it != known.end()) return it->second;
    }
    auto version = ask(*path);
    if (version) {
        const std::lock_guard lock(guard);
        known[key] = *version;
    }
    return version;
}

}  // namespace launcher
