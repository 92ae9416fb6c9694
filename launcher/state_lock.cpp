#include "launcher/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "storage/trusted_file.h"

namespace launcher {
namespace {

outcome<unique_fd> failed(std::string why) { return outcome<unique_fd>(boost::system::in_place_error, std::move(why)); }
std::string errno_text() { return std::generic_category().message(errno); }

constexpr std::string_view restoring = " restore";  // behind the number, for a launcher that would wait
constexpr auto look_again = std::chrono::milliseconds(200);

// `by`: who has it, where somebody has who says so.
outcome<unique_fd> take(const std::string& directory, lock_holder me, std::optional<lock_holder>& by) {
    by.reset();
    auto inside = make_root_directory(directory, 0700);
    if (!inside) return inside;
    unique_fd lock(::openat(inside->get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return failed(directory + "/lock cannot be opened: " + errno_text());
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failed(directory + "/lock cannot be locked: " + errno_text());
        std::array<char, 32> bytes{};
        const ssize_t n = ::pread(lock.get(), bytes.data(), bytes.size(), 0);
        const std::string text(bytes.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
        const auto pid = text.substr(0, text.find_first_not_of("0123456789"));
        const bool restored = text.find(restoring) != text.npos;
        if (!pid.empty()) by = restored ? lock_holder::restore : lock_holder::launcher;
        return failed("another delvegate " + std::string(restored ? "restore" : "launcher") +
                      (pid.empty() ? "" : " (pid " + pid + ")") + " works in " + directory +
                      (restored ? "; wait until it is done" : "; ask it, or end it first: systemctl stop delvegate-launcher"));
    }
    const std::string mark = std::to_string(::getpid()) + std::string(me == lock_holder::restore ? restoring : "") + "\n";
    // The mark is for people, and for whoever waits: a disk that is full, and takes it not, must not stop a restore.
    if (::ftruncate(lock.get(), 0) == 0) [[maybe_unused]] const auto n = ::pwrite(lock.get(), mark.data(), mark.size(), 0);
    return lock;
}

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

outcome<unique_fd> take_state_lock(const std::string& directory, lock_holder who, bool& launcher_has_it) {
    std::optional<lock_holder> by;
    auto lock = take(directory, who, by);
    launcher_has_it = by == lock_holder::launcher;
    return lock;
}

outcome<unique_fd> wait_for_state_lock(const std::string& directory, const std::function<bool()>& ending,
                                       const std::function<void(const std::string&)>& say) {
    bool said = false;
    for (;;) {
        std::optional<lock_holder> by;
        auto lock = take(directory, lock_holder::launcher, by);
        if (lock || by != lock_holder::restore || ending()) return lock;
        if (!std::exchange(said, true)) say(lock.error());
        std::this_thread::sleep_for(look_again);
    }
}

}  // namespace launcher
