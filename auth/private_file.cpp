#include "auth/private_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace auth {

namespace {

std::string errno_text() { return std::generic_category().message(errno); }

}  // namespace

outcome<void> write_private(const std::string& file, std::string_view bytes) {
    std::string beside = file + ".XXXXXX";
    const int fd = ::mkostemp(beside.data(), O_CLOEXEC);  // 0600 by itself
    if (fd < 0) return "cannot write " + file + ": " + errno_text();
    bool fine = true;
    for (std::size_t at = 0; fine && at < bytes.size();) {
        const ssize_t n = ::write(fd, bytes.data() + at, bytes.size() - at);
        if (n < 0 && errno == EINTR) continue;
        fine = n > 0;
        if (fine) at += static_cast<std::size_t>(n);
    }
    fine = fine && ::fsync(fd) == 0;
    fine = ::close(fd) == 0 && fine && ::rename(beside.c_str(), file.c_str()) == 0;
    if (fine) return {};
    const std::string why = errno_text();
    ::unlink(beside.c_str());
    return "cannot write " + file + ": " + why;
}

}  // namespace auth
