#include "launcher/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "launcher/fd.h"

namespace launcher {

namespace {

// Newer than the headers that it is built with.
constexpr std::uint64_t fs_truncate = 1ull << 14, fs_ioctl_dev = 1ull << 15;

constexpr std::uint64_t read_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t write_rights = read_rights | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                       LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                       LANDLOCK_ACCESS_FS_MAKE_SOCK | fs_truncate;
constexpr std::uint64_t file_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | fs_truncate | fs_ioctl_dev;

std::string failure(const std::string& what) { return "Landlock" + what + ": " + std::strerror(errno); }

std::uint64_t handled_by(long version) {
    std::uint64_t all = (1ull << 13) - 1;  // version 1: EXECUTE to MAKE_SYM
    if (version >= 2) all |= 1ull << 13;   // REFER
    if (version >= 3) all |= fs_truncate;
    if (version >= 5) all |= fs_ioctl_dev;
    return all;
}

outcome<void> permit(int rules, const std::string& path, std::uint64_t rights) {
    const unique_fd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!place) return {};
    struct stat info {};
    if (::fstat(place.get(), &info) != 0) return failure(" for " + path);
    landlock_path_beneath_attr rule{};
    rule.allowed_access = S_ISDIR(info.st_mode) ? rights : rights & file_rights;
    rule.parent_fd = place.get();
    if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) return failure(" for " + path);
    return {};
}

}  // namespace

outcome<long> close_files(const open_files& paths) {
    const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0 && errno != ENOSYS && errno != EOPNOTSUPP)
        return failure(" is refused to it (a SystemCallFilter= without landlock_create_ruleset, landlock_add_rule and "
                       "landlock_restrict_self?)");
    if (version <= 0) return 0L;
    landlock_ruleset_attr attributes{};
    attributes.handled_access_fs = handled_by(version);
    const unique_fd rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
    if (!rules) return failure("");
    for (const auto& path : paths.read)
        if (auto done = permit(rules.get(), path, read_rights & attributes.handled_access_fs); !done) return done.error();
    for (const auto& path : paths.write)
        if (auto done = permit(rules.get(), path, write_rights & attributes.handled_access_fs); !done) return done.error();
    const auto null_rights = (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE) & attributes.handled_access_fs;
    if (auto done = permit(rules.get(), "/dev/null", null_rights); !done) return done.error();
    if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return failure("");
    return version;
}

}  // namespace launcher
