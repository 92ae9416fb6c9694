#include "launcher/held_files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <system_error>

#include "storage/fd.h"
#include "storage/sha256.h"

namespace launcher {

namespace {

using storage::unique_fd;

constexpr std::size_t too_large = largest_manifest + 1;

int read_all(int fd, std::string& out) {
    char chunk[64 * 1024];
    while (out.size() < too_large) {
        const ssize_t n = ::read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return 0;
        out.append(chunk, static_cast<std::size_t>(n));
    }
    return EFBIG;
}

int write_durably(int fd, std::string_view bytes) {
    if (const int error = storage::write_all(fd, bytes)) return error;
    return ::fsync(fd) == 0 ? 0 : errno;
}

// The l…xattr calls know paths only; this one goes by the open directory and does not follow the last component.
std::string path_in(int dir, const std::string& name) {
    return "/proc/self/fd/" + std::to_string(dir) + "/" + name;
}

int read_xattrs(const std::string& path, std::vector<std::pair<std::string, std::string>>& out) {
    std::string names(64 * 1024, 0);  // the kernel's limit of a list and of a value
    const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
    if (size < 0) return errno == ENOTSUP ? 0 : errno;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
        const std::string name = names.c_str() + at;
        at += name.size() + 1;
        std::string value(64 * 1024, 0);
        const ssize_t n = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
        if (n < 0) return errno;
        value.resize(static_cast<std::size_t>(n));
        out.emplace_back(name, std::move(value));
    }
    std::sort(out.begin(), out.end());
    return 0;
}

void fill(file_stamp& stamp, const struct stat& info) {
    stamp.mode = info.st_mode & 07777;
    stamp.uid = info.st_uid;
    stamp.gid = info.st_gid;
    stamp.mtime_s = info.st_mtim.tv_sec;
    stamp.mtime_ns = info.st_mtim.tv_nsec;
    stamp.device = info.st_dev;
    stamp.inode = info.st_ino;
}

seen_file odd(std::string why) { return {seen_file::what::odd, {}, std::move(why)}; }

seen_file see_link(int dir, const std::string& name, const struct stat& info) {
    seen_file out{seen_file::what::whole, {}, {}};
    fill(out.stamp, info);
    char text[PATH_MAX];
    const ssize_t n = ::readlinkat(dir, name.c_str(), text, sizeof text);
    if (n <= 0 || n == sizeof text) return odd("cannot be read as a link");
    out.stamp.link.assign(text, static_cast<std::size_t>(n));
    if (const int error = read_xattrs(path_in(dir, name), out.stamp.xattrs)) return odd(errno_text(error));
    const unique_fd fd(::openat(dir, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat behind {};
    std::string bytes;
    // Held elsewhere, a relative link leads to nothing: then there is no hash, and that is no fault.
    if (fd && ::fstat(fd.get(), &behind) == 0 && S_ISREG(behind.st_mode) && read_all(fd.get(), bytes) == 0)
        out.stamp.hash = storage::sha256_hex(bytes);
    return out;
}

}  // namespace

std::string errno_text(int error) { return std::generic_category().message(error); }

seen_file see_file(int dir, const std::string& name) {
    struct stat info {};
    if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? seen_file{} : odd(errno_text(errno));
    if (S_ISLNK(info.st_mode)) return see_link(dir, name, info);
    if (!S_ISREG(info.st_mode)) return odd("is neither a regular file nor a link to one");
    const unique_fd fd(::openat(dir, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!fd) return errno == ENOENT ? seen_file{} : odd(errno_text(errno));
    seen_file out{seen_file::what::whole, {}, {}};
    std::string bytes;
    if (::fstat(fd.get(), &info) != 0) return odd(errno_text(errno));
    if (!S_ISREG(info.st_mode)) return odd("has just been replaced");
    if (const int error = read_all(fd.get(), bytes))
        return odd(error == EFBIG ? "is larger than the kubelet reads (10 MiB)" : errno_text(error));
    out.stamp.hash = storage::sha256_hex(bytes);
    fill(out.stamp, info);
    if (const int error = read_xattrs("/proc/self/fd/" + std::to_string(dir) + "/" + name, out.stamp.xattrs))
        return odd(errno_text(error));
    return out;
}

bool same_content(const file_stamp& a, const file_stamp& b) {
    return a.link == b.link && (!a.link.empty() || (a.hash == b.hash && !a.hash.empty()));
}

int move_file(int from_dir, const std::string& from, int to_dir, const std::string& to) {
    if (::renameat2(from_dir, from.c_str(), to_dir, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // Killed in between, both names are the same file, and put_back drops ours.
    if (::linkat(from_dir, from.c_str(), to_dir, to.c_str(), 0) != 0) return errno;
    if (::unlinkat(from_dir, from.c_str(), 0) == 0) return 0;
    const int error = errno;
    ::unlinkat(to_dir, to.c_str(), 0);
    return error;
}

int write_whole(int dir, const std::string& name, const std::string& text, bool replace) {
    const std::string draft = (name[0] == '.' ? "" : ".") + name + ".new";
    if (const int error = remove_file(dir, draft)) return error;  // of a run that was killed
    const unique_fd fd(::openat(dir, draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return errno;
    int error = write_durably(fd.get(), text);
    if (error == 0) {
        if (!replace) error = move_file(dir, draft, dir, name);
        else if (::renameat(dir, draft.c_str(), dir, name.c_str()) != 0) error = errno;
    }
    if (error == 0) return flush(dir);
    remove_file(dir, draft);
    return error;
}

// Where a filesystem has nothing to flush for a directory it says EINVAL.
int flush(int dir) { return ::fsync(dir) == 0 || errno == EINVAL ? 0 : errno; }

int flush_file(int dir, const std::string& name) {
    const unique_fd fd(::openat(dir, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!fd) return errno == ELOOP ? 0 : errno;  // a link is flushed with its directory
    return ::fsync(fd.get()) == 0 ? 0 : errno;
}

int remove_file(int dir, const std::string& name) {
    return ::unlinkat(dir, name.c_str(), 0) == 0 || errno == ENOENT ? 0 : errno;
}

int restamp(int dir, const std::string& name, const file_stamp& stamp) {
    file_stamp is;
    struct stat info {};
    if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return errno;
    fill(is, info);
    const std::string path = path_in(dir, name);
    if (const int error = read_xattrs(path, is.xattrs)) return error;
    const bool link = S_ISLNK(info.st_mode);
    bool changed = false;
    // In this order: a new owner takes bits of the mode and capabilities away, a mode changes an ACL.
    if (is.uid != stamp.uid || is.gid != stamp.gid) {
        if (::fchownat(dir, name.c_str(), stamp.uid, stamp.gid, AT_SYMLINK_NOFOLLOW) != 0) return errno;
        if (!link && ::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) fill(is, info);
        is.xattrs.clear();
        if (const int error = read_xattrs(path, is.xattrs)) return error;
        changed = true;
    }
    if (!link && is.mode != stamp.mode) {
        if (::fchmodat(dir, name.c_str(), stamp.mode, 0) != 0) return errno;
        is.xattrs.clear();
        if (const int error = read_xattrs(path, is.xattrs)) return error;
        changed = true;
    }
    if (is.xattrs != stamp.xattrs) {
        for (const auto& [key, value] : is.xattrs) {
            const auto wanted = std::find_if(stamp.xattrs.begin(), stamp.xattrs.end(),
                                             [&](const auto& one) { return one.first == key; });
            if (wanted == stamp.xattrs.end() && ::lremovexattr(path.c_str(), key.c_str()) != 0) return errno;
        }
        for (const auto& [key, value] : stamp.xattrs)
            if (std::find(is.xattrs.begin(), is.xattrs.end(), std::pair(key, value)) == is.xattrs.end() &&
                ::lsetxattr(path.c_str(), key.c_str(), value.data(), value.size(), 0) != 0)
                return errno;
        changed = true;
    }
    if (is.mtime_s != stamp.mtime_s || is.mtime_ns != stamp.mtime_ns) {
        const timespec times[2] = {{0, UTIME_OMIT}, {stamp.mtime_s, stamp.mtime_ns}};
        if (::utimensat(dir, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) return errno;
        changed = true;
    }
    return changed ? flush_file(dir, name) : 0;
}

int copy_file(int from_dir, const std::string& from, int to_dir, const std::string& to, const file_stamp& stamp) {
    const std::string draft = "." + to + ".delvegate-copy";
    if (const int error = remove_file(to_dir, draft)) return error;
    int error = 0;
    if (!stamp.link.empty()) {
        if (::symlinkat(stamp.link.c_str(), to_dir, draft.c_str()) != 0) return errno;
    } else {
        const unique_fd in(::openat(from_dir, from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (!in) return errno;
        std::string bytes;
        if ((error = read_all(in.get(), bytes))) return error;
        const unique_fd out(::openat(to_dir, draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!out) return errno;
        error = write_durably(out.get(), bytes);
    }
    if (error == 0) error = restamp(to_dir, draft, stamp);
    if (error == 0) error = flush_file(to_dir, draft);
    if (error == 0) error = move_file(to_dir, draft, to_dir, to);
    if (error != 0) remove_file(to_dir, draft);
    return error;
}

}  // namespace launcher
