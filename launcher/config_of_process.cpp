#include "launcher/config_of_process.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "launcher/fd.h"

namespace launcher {

namespace {

constexpr std::size_t longest = 1u << 20;

}  // namespace

outcome<std::string> read_file_of(const process_mark& process, const std::string& path, const std::string& proc) {
    const auto directory = proc + "/" + std::to_string(process.pid);
    const auto failed = [&](const std::string& why) {
        return error_text(path + " of process " + std::to_string(process.pid) + " cannot be read: " + why);
    };
    const unique_fd root(::open((directory + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return failed(std::strerror(errno));
    std::string full = path;
    if (!path.starts_with('/')) {
        std::array<char, 4096> here{};
        const auto n = ::readlink((directory + "/cwd").c_str(), here.data(), here.size());
        if (n <= 0) return failed("its working directory is not known");
        full = std::string(here.data(), static_cast<std::size_t>(n)) + "/" + path;
    }
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const unique_fd file(static_cast<int>(::syscall(SYS_openat2, root.get(), full.c_str(), &how, sizeof how)));
    if (!file) return failed(errno == ENOSYS ? "the kernel has no openat2 (Linux 5.6)" : std::strerror(errno));
    struct stat info {};
    if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return failed("it is not a regular file");
    std::string bytes;
    std::array<char, 16 * 1024> buffer;
    for (;;) {
        const auto n = ::read(file.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(std::strerror(errno));
        if (n == 0) break;
        bytes.append(buffer.data(), static_cast<std::size_t>(n));
        if (bytes.size() > longest) return failed("it is longer than a configuration is");
    }
    if (proc == "/proc" && !still_running(process)) return failed("the process has ended");
    return text(std::move(bytes));
}

}  // namespace launcher
