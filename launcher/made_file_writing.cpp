// The files on the disk: below a directory of root's, which the process may pass through and not change.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "launcher/daemon_set_files.h"
#include "launcher/fd.h"

namespace launcher {

namespace {

namespace fs = std::filesystem;

outcome<void> make_directory(const std::string& path, mode_t mode, gid_t gid) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return path + " could not be made: " + std::strerror(errno);
    const unique_fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd || ::fchown(fd.get(), ::geteuid(), gid) != 0 || ::fchmod(fd.get(), mode) != 0)
        return path + " could not be given its owner and mode: " + std::strerror(errno);
    return {};
}

}  // namespace

outcome<void> write_private_file(const std::string& path, const std::string& content, uid_t uid, gid_t gid, bool executable) {
    const auto fresh = path + ".new";
    ::unlink(fresh.c_str());
    const unique_fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return path + " could not be written: " + std::strerror(errno);
    const bool written = storage::write_all(fd.get(), content) == 0 && ::fchown(fd.get(), uid, gid) == 0 &&
                         ::fchmod(fd.get(), executable ? 0700 : 0600) == 0 && ::rename(fresh.c_str(), path.c_str()) == 0;
    if (written) return {};
    const std::string why = std::strerror(errno);
    ::unlink(fresh.c_str());
    return path + " could not be written: " + why;
}

outcome<void> write_made_files(const std::string& directory, const std::vector<made_volume>& volumes, uid_t uid, gid_t gid) {
    std::error_code error;
    fs::remove_all(directory, error);
    if (error) return directory + " could not be emptied: " + error.message();
    const auto parent = fs::path(directory).parent_path();
    fs::create_directories(parent.parent_path(), error);
    if (auto made = make_directory(parent.string(), 0711, ::getegid()); !made) return made;
    // Root's own process needs no group; another user's goes through by its group.
    const mode_t mode = uid == ::geteuid() ? 0700 : 0750;
    if (auto made = make_directory(directory, mode, gid); !made) return made;
    for (const auto& volume : volumes) {
        if (auto made = make_directory(directory + "/" + volume.name, mode, gid); !made) return made;
        for (const auto& file : volume.files) {
            auto at = directory;
            const auto above = fs::path(file.path).parent_path();
            for (const auto& part : above) {
                at += "/" + part.string();
                if (auto made = make_directory(at, mode, gid); !made) return made;
            }
            if (file.token) continue;
            if (auto made = write_private_file(directory + "/" + file.path, file.content, uid, gid, file.executable); !made)
                return made;
        }
    }
    return {};
}

}  // namespace launcher
