#include "launcher/output_reader.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace launcher {

outcome<output_reader> output_reader::open(const std::string& path, std::uint64_t offset) {
    unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) return "the output file " + path + " cannot be read: " + std::strerror(errno);
    unique_fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    // By the open descriptor, so that it is this very file even if the name is taken over.
    const auto opened = "/proc/self/fd/" + std::to_string(file.get());
    if (!watch || ::inotify_add_watch(watch.get(), opened.c_str(), IN_MODIFY) < 0)
        return "the output file " + path + " cannot be watched: " + std::strerror(errno) +
               "; raise fs.inotify.max_user_instances";
    return output_reader(std::move(file), std::move(watch), offset);
}

std::string output_reader::read_new(std::size_t limit) {
    // Before reading, so that what is written after it raises the descriptor again.
    alignas(inotify_event) char events[4096];
    while (::read(watch_.get(), events, sizeof events) > 0) {
    }
    struct stat info {};
    if (::fstat(file_.get(), &info) != 0) return {};
    const auto size = static_cast<std::uint64_t>(info.st_size);
    if (size < offset_) offset_ = 0;
    std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(limit, size - offset_)),
                     '\0');
    const auto n = ::pread(file_.get(), text.data(), text.size(), static_cast<off_t>(offset_));
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    offset_ += text.size();
    return text;
}

}  // namespace launcher
