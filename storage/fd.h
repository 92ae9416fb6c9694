// A file descriptor that is closed when its owner goes, and all of some bytes written to one.
#pragma once

#include <unistd.h>

#include <string_view>
#include <utility>

namespace storage {

class unique_fd {
public:
    unique_fd() = default;
    explicit unique_fd(int fd) : fd_(fd) {}
    unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~unique_fd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_ = -1;
};

// All of the bytes, however often it is interrupted. 0, or what errno was: some of them may be written then. Nothing is flushed.
int write_all(int fd, std::string_view bytes) noexcept;

}  // namespace storage
