#include "storage/trusted_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace storage {

outcome<std::string> read_trusted(const std::string& file, std::size_t limit) {
    using result = outcome<std::string>;
    const auto wrong = [](std::string text) { return result(boost::system::in_place_error, std::move(text)); };
    struct descriptor {
        int fd;
        ~descriptor() {
            if (fd >= 0) ::close(fd);
        }
    } const d{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    struct stat info {};
    if (d.fd < 0 || ::fstat(d.fd, &info) != 0)
        return wrong(file + ": cannot be read; is it there, and may this user read it?");
    if (S_ISREG(info.st_mode) && info.st_uid != 0 && info.st_uid != ::geteuid())
        return wrong(file + ": belongs to uid " + std::to_string(info.st_uid) +
                     ", who could change what is read from it; it must be root's or this user's: chown it");
    if (S_ISREG(info.st_mode) && (info.st_mode & 0022) != 0)
        return wrong(file + ": can be changed by others than its owner; run: chmod go-w " + file);
    std::string bytes;
    char chunk[16 * 1024];
    while (bytes.size() <= limit) {
        const ssize_t n = ::read(d.fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return wrong(file + ": cannot be read: " + std::strerror(errno));
        if (n == 0) break;
        bytes.append(chunk, static_cast<std::size_t>(n));
    }
    if (bytes.size() > limit) bytes.resize(limit + 1);
    return result(boost::system::in_place_value, std::move(bytes));
}

}  // namespace storage
