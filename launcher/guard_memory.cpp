#include "launcher/guard_memory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace launcher {

namespace {

constexpr std::size_t max_state = 16u << 20;

std::string failure(const std::string& name) {
    return "the guard's state file " + name + " cannot be written: " + std::strerror(errno);
}

}  // namespace

outcome<guard_memory> guard_memory::open(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos || slash + 1 == path.size()) return "the guard's state file needs a path, not " + path;
    guard_memory m;
    m.name_ = path.substr(slash + 1);
    m.directory_ = unique_fd(::open(slash == 0 ? "/" : path.substr(0, slash).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!m.directory_) return "the guard's state directory cannot be opened: " + path + ": " + std::strerror(errno);
    return m;
}

protocol::json guard_memory::read() const {
    const unique_fd file(::openat(directory_.get(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
        (info.st_uid != 0 && info.st_uid != ::geteuid()))
        return {};
    std::string text;
    std::array<char, 16 * 1024> chunk;
    for (;;) {
        const auto n = ::read(file.get(), chunk.data(), chunk.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        text.append(chunk.data(), static_cast<std::size_t>(n));
        if (text.size() > max_state) return {};
    }
    auto parsed = protocol::parse_json(text, {.max_depth = 512, .fold_keys = false});
    return parsed ? std::move(*parsed) : protocol::json();
}

outcome<void> guard_memory::write(const protocol::json& state) const {
    const std::string fresh = name_ + ".new";
    const std::string text = to_text(state) + "\n";
    {
        const unique_fd file(::openat(directory_.get(), fresh.c_str(),
                                      O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file) return failure(name_);
        for (std::size_t sent = 0; sent < text.size();) {
            const auto n = ::write(file.get(), text.data() + sent, text.size() - sent);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return failure(name_);
            sent += static_cast<std::size_t>(n);
        }
    }
    if (::renameat(directory_.get(), fresh.c_str(), directory_.get(), name_.c_str()) != 0) return failure(name_);
    return {};
}

}  // namespace launcher
