// The system calls of the audit's files in one place, so that a test can have a disk that fails.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/tls.h"

namespace auth {

// As the calls of the same name: -1 and errno.
class audit_calls {
public:
    virtual ~audit_calls() = default;
    virtual ssize_t write(int fd, const void* bytes, std::size_t size);
    virtual ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at);
    virtual int fdatasync(int fd);
    virtual int ftruncate(int fd, off_t size);
    virtual int rename(const char* from, const char* to);
};
audit_calls& real_audit_calls();

// One open file. Every call returns 0 or an errno.
class audit_file {
public:
    audit_file() = default;
    explicit audit_file(int fd) : fd_(fd) {}
    ~audit_file() { close(); }
    audit_file(audit_file&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    audit_file& operator=(audit_file&& other) noexcept;

    int fd() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    void close();

    int append(audit_calls& calls, std::string_view bytes) const;  // all of it, or an error after some
    int write_at(audit_calls& calls, std::string_view bytes, std::uint64_t at) const;
    int sync(audit_calls& calls) const;
    int truncate(audit_calls& calls, std::uint64_t size) const;
    std::uint64_t size() const;
    // Bytes from there, at most `limit`.
    std::string read(std::uint64_t from, std::size_t limit) const;

private:
    int fd_ = -1;
};

// Opens, or makes with mode 0600, a file that only its owner can write. Refused: a symbolic link, what
// is no regular file, another owner's, one with further names, one that others can write to.
outcome<audit_file> open_audit_file(const std::string& path, int flags);

// Makes `path` (0700) unless it is there; its parent must be.
outcome<void> ensure_directory(const std::string& path);
int sync_directory(const std::string& path);
std::string directory_of(const std::string& path);
std::string file_name_of(const std::string& path);

// Held as long as it lives. Error: whose it is, with the process number when it is known.
class audit_lock {
public:
    static outcome<audit_lock> take(const std::string& path);

private:
    audit_file file_;
};

}  // namespace auth
