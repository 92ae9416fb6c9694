#include "launcher/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "storage/trusted_file.h"

namespace launcher {
namespace {

outcome<unique_fd> failed(std::string why) { return outcome<unique_fd>(boost::system::in_place_error, std::move(why)); }
std::string errno_text() { return std::generic_category().message(errno); }

}  // namespace

outcome<unique_fd> make_root_directory(const std::string& directory, unsigned mode) {
    const std::size_t slash = directory.rfind('/');
    if (slash == std::string::npos) return failed("\"" + directory + "\" is not an absolute path");
    if (slash > 0) ::mkdir(directory.substr(0, slash).c_str(), 0755);  // that it is there, and whose, is checked below
    if (::mkdir(directory.c_str(), static_cast<mode_t>(mode)) != 0 && errno != EEXIST)
        return failed(directory + " cannot be made: " + errno_text());
    auto open = storage::open_root_directory(directory);
    if (!open) return failed(open.error());
    return unique_fd(std::move(*open));
}

outcome<unique_fd> take_state_lock(const std::string& directory) {
    auto inside = make_root_directory(directory, 0700);
    if (!inside) return inside;
    unique_fd lock(::openat(inside->get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return failed(directory + "/lock cannot be opened: " + errno_text());
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failed(directory + "/lock cannot be locked: " + errno_text());
        std::array<char, 16> pid{};
        const ssize_t n = ::pread(lock.get(), pid.data(), pid.size(), 0);
        std::string who(pid.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
        who = who.substr(0, who.find_first_not_of("0123456789"));
        return failed("another delvegate launcher" + (who.empty() ? "" : " (pid " + who + ")") + " works in " + directory +
                      "; ask it, or end it first: systemctl stop delvegate-launcher");
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    // The number is for people: a disk that is full, and takes it not, must not stop a restore.
    if (::ftruncate(lock.get(), 0) == 0) [[maybe_unused]] const auto n = ::pwrite(lock.get(), pid.data(), pid.size(), 0);
    return lock;
}

}  // namespace launcher
