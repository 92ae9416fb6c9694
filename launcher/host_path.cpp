#include "launcher/host_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "launcher/fd.h"

namespace launcher {
namespace {

struct wanted {
    mode_t type;
    const char* name;
    bool create;
};

std::optional<wanted> wanted_of(std::string_view type) {
    if (type == "Directory") return wanted{S_IFDIR, "a directory", false};
    if (type == "DirectoryOrCreate") return wanted{S_IFDIR, "a directory", true};
    if (type == "File") return wanted{S_IFREG, "a file", false};
    if (type == "FileOrCreate") return wanted{S_IFREG, "a file", true};
    if (type == "Socket") return wanted{S_IFSOCK, "a socket", false};
    if (type == "CharDevice") return wanted{S_IFCHR, "a character device", false};
    if (type == "BlockDevice") return wanted{S_IFBLK, "a block device", false};
    return std::nullopt;
}

std::string parent_of(const std::string& path) {
    const auto slash = path.find_last_of('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

bool is_directory(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string without_slashes(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

// 0755 whatever the umask is; what is there already stays as it is.
outcome<void> make_directory(const std::string& path) {
    if (is_directory(path)) return {};
    if (path != "/")
        if (auto done = make_directory(parent_of(path)); !done) return done;
    if (::mkdir(path.c_str(), 0755) != 0) {
        if (errno == EEXIST && is_directory(path)) return {};  // somebody else's: its mode is theirs
        return "cannot make the directory " + path + ": " + std::strerror(errno);
    }
    const unique_fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd || ::fchmod(fd.get(), 0755) != 0) return "cannot set the mode of " + path + ": " + std::strerror(errno);
    return {};
}

outcome<void> make_file(const std::string& path) {
    const unique_fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!fd) {
        if (errno == EEXIST) return {};
        return "cannot make the file " + path + ": " + std::strerror(errno);
    }
    if (::fchmod(fd.get(), 0644) != 0) return "cannot set the mode of " + path + ": " + std::strerror(errno);
    return {};
}

}  // namespace

std::vector<host_path> host_paths_of(const pod_manifest& manifest, const pod_container& container) {
    std::vector<host_path> out;
    for (const auto& mount : container.mounts) {
        const auto* volume = manifest.volume(mount.volume);
        if (!volume || volume->from != pod_volume::source::host_path) continue;
        host_path path{without_slashes(volume->path), volume->type};
        const auto same = [&](const host_path& known) { return known.path == path.path && known.type == path.type; };
        if (std::none_of(out.begin(), out.end(), same)) out.push_back(std::move(path));
    }
    return out;
}

void check_host_paths(const std::vector<host_path>& paths, std::vector<finding>& findings) {
    for (const auto& [path, type] : paths) {
        const auto want = wanted_of(type);
        if (!want) continue;
        struct stat status {};
        const bool there = ::stat(path.c_str(), &status) == 0;
        const int why = there ? 0 : errno;
        const auto refuse = [&](const std::string& text) {
            findings.push_back({severity::refusal, "the hostPath " + path + " " + text + " (type " + type + ")", ""});
        };
        if (there && (status.st_mode & S_IFMT) != want->type) {
            refuse(std::string("is not ") + want->name);
        } else if (!there && why != ENOENT) {
            refuse(std::string("cannot be looked at: ") + std::strerror(why));
        } else if (!there && !want->create) {
            refuse("is not there");
        } else if (!there && want->type == S_IFREG && !is_directory(parent_of(path))) {
            refuse("is not there, and neither is its directory");
        } else if (!there) {
            findings.push_back({severity::note, "start makes " + std::string(want->name) + " at " + path +
                                                    ", as the kubelet would (type " + type + ")",
                                ""});
        }
    }
}

outcome<void> create_host_path(const host_path& path) {
    const auto want = wanted_of(path.type);
    if (!want || !want->create) return {};
    return want->type == S_IFDIR ? make_directory(path.path) : make_file(path.path);
}

outcome<void> make_empty_volumes(const std::string& directory, const std::vector<bind_mount>& mounts) {
    namespace fs = std::filesystem;
    std::error_code error;
    fs::remove_all(directory, error);
    // Nobody but root passes: what is 0777 below is the container's alone, by its mount.
    const auto above = fs::path(directory).parent_path();
    fs::create_directories(above.parent_path(), error);
    if (::mkdir(above.c_str(), 0700) != 0 && errno != EEXIST) return above.string() + " could not be made: " + std::strerror(errno);
    ::chmod(above.c_str(), 0700);
    for (const auto& mount : mounts) {
        if (!mount.source.starts_with(directory + "/")) continue;
        if (!fs::create_directories(mount.source, error) && error) return mount.source + " could not be made: " + error.message();
        fs::permissions(mount.source, fs::perms::all, error);
    }
    return {};
}

std::string on_host(const std::vector<bind_mount>& mounts, const std::string& path) {
    const bind_mount* best = nullptr;
    for (const auto& mount : mounts) {
        const bool below = path == mount.target || path.starts_with(mount.target == "/" ? "/" : mount.target + "/");
        if (below && (!best || mount.target.size() > best->target.size())) best = &mount;
    }
    return best ? best->source + path.substr(best->target == "/" ? 0 : best->target.size()) : path;
}

void check_files(const process_plan& plan, std::vector<finding>& findings) {
    for (const auto& file : plan.files) {
        const auto path = on_host(plan.mounts, file);
        if (::access(path.c_str(), F_OK) == 0) continue;
        findings.push_back({severity::warning,
                            "the arguments name " + file + (path == file ? "" : " (on the host " + path + ")") +
                                ", which cannot be reached: " + std::strerror(errno),
                            "if it comes from the image, put it on the node"});
    }
}

}  // namespace launcher
