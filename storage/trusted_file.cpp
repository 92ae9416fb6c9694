#include "storage/trusted_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "storage/shell_word.h"

namespace storage {

namespace {

std::string errno_text(int error) { return std::generic_category().message(error); }

// Root's or the caller's, and writable by nobody else. Empty: fine. The sticky bit of /tmp keeps others from removing a
// file of ours, but not from making one before us. Such a directory is to stay as it is: everybody on the host needs it.
std::string why_not_ours(const std::string& path, const struct stat& info) {
    if (S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0 && (info.st_mode & 0022) != 0)
        return path + " is for everybody to write to, and what root decides by must not lie below it; move it to a directory of root's, "
                      "such as /etc/delvegate";
    if (info.st_uid != 0 && info.st_uid != ::geteuid())
        return path + " belongs to uid " + std::to_string(info.st_uid) +
               ", who could change what is read there; run: chown " + std::to_string(::geteuid()) + " " + shell_word(path);
    if ((info.st_mode & 0022) != 0)
        return path + " can be changed by others than its owner; run: chmod go-w " + shell_word(path);
    return {};
}

std::string why_not_opened(const std::string& path, int error) {
    if (error == ELOOP)
        return path + " is a symbolic link, and no link is followed to what root decides by; put the real path there: "
                      "readlink -f " + shell_word(path);
    if (error == ENOTDIR) return path + " is not a directory; see: ls -ld " + shell_word(path);
    if (error == ENOENT) return path + " is not there; make it, or name the right path";
    return path + " cannot be opened: " + errno_text(error);
}

// Directory by directory, each checked on the descriptor that the next one is opened from: openat2 with
// RESOLVE_NO_SYMLINKS would say less about what is wrong and would leave the directories unchecked.
// `path` is absolute; "." and ".." are refused, so that the walk is what it looks like.
struct walk {
    unique_fd directory;  // of the last component
    std::string last;     // empty: the path is the directory itself
    std::string error;
};

walk walk_to(const std::string& path, bool all) {
    walk out;
    if (path.empty() || path[0] != '/') {
        out.error = path + " is not an absolute path; write it with a leading /";
        return out;
    }
    out.directory = unique_fd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    std::string so_far = "/";
    std::string_view rest(path);
    for (;;) {
        struct stat info {};
        if (!out.directory || ::fstat(out.directory.get(), &info) != 0) {
            out.error = why_not_opened(so_far, errno);
            return out;
        }
        if (auto why = why_not_ours(so_far, info); !why.empty()) {
            out.error = std::move(why);
            return out;
        }
        while (!rest.empty() && rest[0] == '/') rest.remove_prefix(1);
        if (rest.empty()) {
            if (!all) out.error = path + " is a directory, not a file; name the file";
            return out;
        }
        const std::string name(rest.substr(0, rest.find('/')));
        if (name == "." || name == ".." || name.find('\0') != std::string::npos) {
            out.error = path + " contains \"" + name + "\"; write the path without it";
            return out;
        }
        rest.remove_prefix(name.size());
        if (rest.empty() && !all) {
            out.last = name;
            return out;
        }
        so_far += (so_far.size() > 1 ? "/" : "") + name;
        // A link opened with O_PATH and O_NOFOLLOW is the link itself: found out below, to be called by its name.
        unique_fd next(::openat(out.directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        const int error = next ? 0 : errno;
        if (error == 0 && ::fstat(next.get(), &info) == 0 && !S_ISDIR(info.st_mode)) {
            out.error = why_not_opened(so_far, S_ISLNK(info.st_mode) ? ELOOP : ENOTDIR);
            return out;
        }
        if (error != 0) {
            out.error = why_not_opened(so_far, error);
            return out;
        }
        out.directory = std::move(next);
    }
}

// All of it up to `limit`, and one byte more if there is more.
int read_up_to(int fd, std::size_t limit, std::string& bytes) {
    char chunk[16 * 1024];
    while (bytes.size() <= limit) {
        const ssize_t n = ::read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) break;
        bytes.append(chunk, static_cast<std::size_t>(n));
    }
    if (bytes.size() > limit) bytes.resize(limit + 1);
    return 0;
}

}  // namespace

outcome<std::string> read_trusted(const std::string& file, std::size_t limit) {
    using result = outcome<std::string>;
    const auto wrong = [](std::string text) { return result(boost::system::in_place_error, std::move(text)); };
    const unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0)
        return wrong(file + ": cannot be read; is it there, and may this user read it?");
    if (S_ISREG(info.st_mode) && info.st_uid != 0 && info.st_uid != ::geteuid())
        return wrong(file + ": belongs to uid " + std::to_string(info.st_uid) +
                     ", who could change what is read from it; it must be root's or this user's: chown it");
    if (S_ISREG(info.st_mode) && (info.st_mode & 0022) != 0)
        return wrong(file + ": can be changed by others than its owner; run: chmod go-w " + shell_word(file));
    std::string bytes;
    if (const int error = read_up_to(fd.get(), limit, bytes)) return wrong(file + ": cannot be read: " + errno_text(error));
    return result(boost::system::in_place_value, std::move(bytes));
}

outcome<std::string> read_root_file(const std::string& path, std::size_t limit) {
    using result = outcome<std::string>;
    const auto wrong = [](std::string text) { return result(boost::system::in_place_error, std::move(text)); };
    const walk to = walk_to(path, false);
    if (!to.error.empty()) return wrong(to.error);
    // O_NONBLOCK: a pipe there must not keep us; it is refused below.
    const unique_fd fd(::openat(to.directory.get(), to.last.c_str(),
                                O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK));
    if (!fd) return wrong(why_not_opened(path, errno));
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return wrong(why_not_opened(path, errno));
    if (!S_ISREG(info.st_mode)) return wrong(path + " is not a regular file; see: ls -l " + shell_word(path));
    if (auto why = why_not_ours(path, info); !why.empty()) return wrong(std::move(why));
    std::string bytes;
    if (const int error = read_up_to(fd.get(), limit, bytes)) return wrong(path + " cannot be read: " + errno_text(error));
    if (bytes.size() > limit)
        return wrong(path + " is larger than " + std::to_string(limit) + " bytes; shorten it");
    return result(boost::system::in_place_value, std::move(bytes));
}

outcome<unique_fd> open_root_directory(const std::string& path) {
    using result = outcome<unique_fd>;
    const walk to = walk_to(path, true);
    if (!to.error.empty()) return result(boost::system::in_place_error, to.error);
    // "." of an O_PATH descriptor is that very directory.
    unique_fd fd(::openat(to.directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return result(boost::system::in_place_error, why_not_opened(path, errno));
    return result(boost::system::in_place_value, std::move(fd));
}

}  // namespace storage
