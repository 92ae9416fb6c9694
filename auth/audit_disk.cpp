#include "auth/audit_disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace auth {
namespace {

std::string because(int error) { return std::strerror(error); }

template <class T>
outcome<T> failed(std::string why) {
    return outcome<T>(boost::system::in_place_error, std::move(why));
}

}  // namespace

ssize_t audit_calls::write(int fd, const void* bytes, std::size_t size) { return ::write(fd, bytes, size); }
ssize_t audit_calls::pwrite(int fd, const void* bytes, std::size_t size, off_t at) { return ::pwrite(fd, bytes, size, at); }
int audit_calls::fdatasync(int fd) { return ::fdatasync(fd); }
int audit_calls::ftruncate(int fd, off_t size) { return ::ftruncate(fd, size); }
int audit_calls::rename(const char* from, const char* to) { return ::rename(from, to); }

audit_calls& real_audit_calls() {
    static audit_calls calls;
    return calls;
}

audit_file& audit_file::operator=(audit_file&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = other.fd_;
        other.fd_ = -1;
    }
    return *this;
}

void audit_file::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

int audit_file::append(audit_calls& calls, std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t n = calls.write(fd_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return EIO;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return 0;
}

int audit_file::write_at(audit_calls& calls, std::string_view bytes, std::uint64_t at) const {
    while (!bytes.empty()) {
        const ssize_t n = calls.pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return EIO;
        bytes.remove_prefix(static_cast<std::size_t>(n));
        at += static_cast<std::uint64_t>(n);
    }
    return 0;
}

int audit_file::sync(audit_calls& calls) const { return calls.fdatasync(fd_) == 0 ? 0 : errno; }

int audit_file::truncate(audit_calls& calls, std::uint64_t size) const {
    return calls.ftruncate(fd_, static_cast<off_t>(size)) == 0 ? 0 : errno;
}

std::uint64_t audit_file::size() const {
    struct stat info {};
    return ::fstat(fd_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

std::string audit_file::read(std::uint64_t from, std::size_t limit) const {
    std::string out(limit, '\0');
    std::size_t got = 0;
    while (got < limit) {
        const ssize_t n = ::pread(fd_, out.data() + got, limit - got, static_cast<off_t>(from + got));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += static_cast<std::size_t>(n);
    }
    out.resize(got);
    return out;
}

outcome<audit_file> open_audit_file(const std::string& path, int flags) {
    audit_file file(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!file.is_open()) {
        if (errno == ELOOP) return failed<audit_file>(path + " is a symbolic link; the audit is written to plain files only");
        return failed<audit_file>(path + " cannot be opened: " + because(errno));
    }
    struct stat info {};
    if (::fstat(file.fd(), &info) != 0) return failed<audit_file>(path + " cannot be looked at: " + because(errno));
    if (!S_ISREG(info.st_mode)) return failed<audit_file>(path + " is not a plain file");
    if (info.st_uid != ::geteuid()) return failed<audit_file>(path + " belongs to another user");
    if (info.st_nlink > 1) return failed<audit_file>(path + " has more than one name (hard links)");
    if (info.st_mode & 022) return failed<audit_file>(path + " can be written by others; chmod 600 it, after looking at what is in it");
    return file;
}

outcome<void> ensure_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
    return failed<void>("the directory " + path + " cannot be made: " + because(errno));
}

int sync_directory(const std::string& path) {
    const audit_file file(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!file.is_open()) return errno;
    return ::fsync(file.fd()) == 0 ? 0 : errno;
}

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string file_name_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

outcome<audit_lock> audit_lock::take(const std::string& path) {
    auto file = open_audit_file(path, O_RDWR | O_CREAT);
    if (!file) return failed<audit_lock>(file.error());
    if (::flock(file->fd(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failed<audit_lock>(path + " cannot be locked: " + because(errno));
        std::string pid = file->read(0, 32);
        pid.resize(std::min(pid.size(), pid.find_first_not_of("0123456789")));
        return failed<audit_lock>("another gateway writes this audit" + (pid.empty() ? "" : " (process " + pid + ")") +
                                  ", says " + path + "; give each gateway an auditFile of its own");
    }
    // On a full disk the number is missing in the message above, no more.
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file->fd(), 0) == 0) file->write_at(real_audit_calls(), pid, 0);
    audit_lock out;
    out.file_ = std::move(*file);
    return out;
}

}  // namespace auth
