#include "launcher/dlv_version.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <tuple>

#include "launcher/run_program.h"

namespace launcher {

namespace {

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

outcome<dlv_version> ask(const std::string& path) {
    const auto answer = run_program({path, "version"});
    if (!answer) return answer.error() + ": run `" + path + " version` by hand to see why, or " + install_hint();
    auto version = parse_version(answer->output);
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
