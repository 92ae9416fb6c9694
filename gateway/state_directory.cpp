#include "gateway/state_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <system_error>
#include <utility>

#include "gateway/config.h"
#include "storage/fd.h"
#include "storage/shell_word.h"

namespace gateway {
namespace {

std::string why(int error) { return std::generic_category().message(error); }

constexpr mode_t enter = S_IXOTH;

std::string octal(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777));
    return text.data();
}

// The mode of the directory that was there, or none where it was made.
launcher::outcome<std::optional<mode_t>> make_directory(const std::string& path, mode_t mode) {
    using result = launcher::outcome<std::optional<mode_t>>;
    const auto failed = [](std::string text) { return result(boost::system::in_place_error, std::move(text)); };
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const std::string above = path.substr(0, slash);
        if (::mkdir(above.c_str(), 0755) != 0 && errno != EEXIST)
            return failed("cannot make the directory " + above + ": " + why(errno));
    }
    if (::mkdir(path.c_str(), mode) == 0) {
        // Whatever the umask took away.
        ::chmod(path.c_str(), mode);
        return result(boost::system::in_place_value, std::nullopt);
    }
    if (errno != EEXIST) return failed("cannot make the directory " + path + ": " + why(errno));
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return failed("cannot look at " + path + ": " + why(errno));
    if (!S_ISDIR(info.st_mode)) return failed(path + " is not a directory; move it away, or choose another path");
    if (info.st_uid != ::geteuid()) return failed(path + " belongs to another user; choose a directory of your own");
    return result(boost::system::in_place_value, info.st_mode & 07777);
}

// One that many share is nobody's to close.
std::string or_chmod(const std::string& path, mode_t now, const std::string& how) {
    return (now & S_ISVTX) ? std::string() : ", or, if it is delvegate's alone, run: chmod " + how + " " + storage::shell_word(path);
}

}  // namespace

launcher::outcome<void> private_directory(const std::string& path) {
    const auto was = make_directory(path, 0700);
    if (!was) return was.error();
    if (*was && (**was & 0077) != 0)
        return path + " is open to others (mode " + octal(**was) + ") and is to have what is secret; choose another directory" +
               or_chmod(path, **was, "go=");
    return {};
}

launcher::outcome<void> own_directory(const std::string& path, mode_t mode) {
    const bool shared = path == node_state_directory || path == node_runtime_directory;
    const auto was = make_directory(path, shared ? 0755 : mode);
    if (!was) return was.error();
    if (*was && (**was & 0022) != 0)
        return path + " can be written by others (mode " + octal(**was) + "), who could put their files in the place of the gateway's; choose another directory" +
               or_chmod(path, **was, "go-w");
    if (*was && (mode & enter) != 0 && (**was & enter) == 0)
        return path + " cannot be entered by the users that components run as (mode " + octal(**was) + "); choose another directory" +
               or_chmod(path, **was, "go+x");
    return {};
}

launcher::outcome<void> write_file(const std::string& path, std::string_view content, mode_t mode) {
    const std::string beside = path + ".new";
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) return "cannot write " + beside + ": " + why(errno);
    if (const int error = storage::write_all(fd, content)) {
        ::close(fd);
        ::unlink(beside.c_str());
        return "cannot write " + beside + ": " + why(error);
    }
    ::fchmod(fd, mode);
    if (::close(fd) != 0 || ::rename(beside.c_str(), path.c_str()) != 0)
        return "cannot write " + path + ": " + why(errno);
    return {};
}

launcher::outcome<std::string> read_file(const std::string& path) {
    using result = launcher::outcome<std::string>;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return result(boost::system::in_place_error, "cannot read " + path + ": " + why(errno));
    std::string content;
    std::array<char, 4096> part;
    for (;;) {
        const ssize_t n = ::read(fd, part.data(), part.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            const int error = errno;
            ::close(fd);
            return result(boost::system::in_place_error, "cannot read " + path + ": " + why(error));
        }
        if (n == 0) break;
        content.append(part.data(), static_cast<std::size_t>(n));
    }
    ::close(fd);
    return result(boost::system::in_place_value, std::move(content));
}

launcher::outcome<state_lock> state_lock::take(const std::string& directory) {
    const std::string path = directory + "/lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return "cannot open " + path + ": " + why(errno);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        std::array<char, 32> text{};
        const ssize_t n = ::read(fd, text.data(), text.size() - 1);
        std::string pid(text.data(), static_cast<std::size_t>(n > 0 ? n : 0));
        while (!pid.empty() && pid.back() == '\n') pid.pop_back();
        ::close(fd);
        return "another delvegate serve" + (pid.empty() ? "" : " (pid " + pid + ")") + " uses " + directory +
               "; stop it, or give this one a stateDirectory of its own";
    }
    // For the one that is refused to name us.
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
        const int error = errno;
        ::close(fd);
        return "cannot write " + path + ": " + why(error);
    }
    return state_lock(fd);
}

state_lock::state_lock(state_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

state_lock::~state_lock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace gateway
