#include "launcher/held_place.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "launcher/held_record.h"
#include "protocol/json.h"
#include "storage/shell_word.h"

namespace launcher {

namespace {

using storage::shell_word;
using storage::unique_fd;

constexpr std::string_view record_ending = ".delvegate.json";
constexpr std::string_view dot_ending = ".delvegate-held";
constexpr std::string_view dated_infix = ".superseded-";

template <class T>
outcome<T> failed(std::string why) {
    return outcome<T>(boost::system::in_place_error, std::move(why));
}

std::string why_not_a_name(const std::string& name) {
    if (name.empty() || name[0] == '.' || name.find('/') != std::string::npos || name.find('\0') != std::string::npos)
        return "\"" + name + "\" is not the name of a manifest: no slash, no dot at its beginning";
    if (!protocol::valid_utf8(name)) return "the manifest's name is not UTF-8 text; rename it";
    if (name.ends_with(record_ending) || name.find(dated_infix) != std::string::npos)
        return "\"" + name + "\" looks like one of delvegate's own files; rename it";
    return {};
}

// Private, and ours: nobody else may put a file where manifests are taken from.
outcome<void> open_held(held_place& place, bool make) {
    const auto& path = place.held_directory;
    bool made = false;
    if (make && ::mkdir(path.c_str(), 0700) == 0) made = true;
    else if (make && errno != EEXIST) return "cannot make " + path + ": " + errno_text(errno) + "; nothing was taken out";
    place.held = unique_fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!place.held) {
        if (errno == ENOENT) return {};
        return "cannot open " + path + ": " + errno_text(errno) + "; it must be a directory of its own, not a link";
    }
    struct stat info {};
    if (::fstat(place.held.get(), &info) != 0) return path + ": " + errno_text(errno);
    if (info.st_uid != ::geteuid())
        return path + " belongs to uid " + std::to_string(info.st_uid) + "; run: chown " + std::to_string(::geteuid()) +
               " " + shell_word(path);
    if ((info.st_mode & 0077) != 0) return path + " is open to others; run: chmod 700 " + shell_word(path);
    if (made) {
        const unique_fd parent(::openat(place.held.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!parent || ::fsync(parent.get()) != 0) return "cannot flush the directory of " + path + ": " + errno_text(errno);
    }
    return {};
}

// Of the private directory: anybody who may open a directory may lock it, and could keep us from a restore.
outcome<void> lock_held(held_place& place) {
    place.lock = unique_fd(::openat(place.held.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!place.lock) return place.held_directory + ": " + errno_text(errno);
    for (int tries = 0; ::flock(place.lock.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
        if (errno != EWOULDBLOCK && errno != EINTR) return "cannot lock " + place.held_directory + ": " + errno_text(errno);
        if (tries == 500)
            return place.held_directory + " is in use by another delvegate for ten seconds; see who: fuser -v " +
                   shell_word(place.held_directory);
        const timespec pause{0, 20'000'000};
        ::nanosleep(&pause, nullptr);
    }
    return {};
}

std::string date_of(std::int64_t wall, int n) {
    std::string out;
    for (const char c : utc_text(wall))
        if (c != '-' && c != ':') out += c;
    return n == 0 ? out : out + "-" + std::to_string(n);
}

std::string without_slashes(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

// The record's text; errno.
int read_record(int dir, const std::string& name, std::string& out) {
    const unique_fd fd(::openat(dir, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!fd) return errno;
    constexpr std::size_t limit = 4 << 20;
    char chunk[16 * 1024];
    for (;;) {
        const ssize_t n = ::read(fd.get(), chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return 0;
        out.append(chunk, static_cast<std::size_t>(n));
        if (out.size() > limit) return EFBIG;
    }
}

}  // namespace

std::string held_slot::dated(std::int64_t wall, int n) const {
    return file + std::string(dated_infix) + date_of(wall, n);
}
std::string held_slot::dated_record(std::int64_t wall, int n) const { return dated(wall, n) + std::string(record_ending); }

held_slot held_place::beside() const {
    return {held.get(), held_directory, name, name + std::string(record_ending)};
}

held_slot held_place::within() const {
    const std::string file = "." + name + std::string(dot_ending);
    return {manifests.get(), directory, file, file + ".json"};
}

std::string held_directory_of(const std::string& directory, const std::string& held_directory) {
    if (!held_directory.empty()) return without_slashes(held_directory);
    // Beside the directory itself, not beside a link to it: that is where its filesystem is.
    std::string real = without_slashes(directory);
    const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(real.c_str(), nullptr), ::free);
    if (resolved) real = resolved.get();
    return real.substr(0, real.rfind('/')) + "/delvegate-held";
}

outcome<held_place> open_place(const manifest_place& place, const place_options& options) {
    if (auto why = why_not_a_name(place.name); !why.empty()) return failed<held_place>(std::move(why));
    held_place out;
    out.name = place.name;
    out.directory = without_slashes(place.directory);
    if (out.directory.empty() || out.directory[0] != '/')
        return failed<held_place>("the manifest directory \"" + place.directory + "\" is not an absolute path");
    out.held_directory = held_directory_of(place.directory, place.held_directory);
    if (!protocol::valid_utf8(out.directory) || !protocol::valid_utf8(out.held_directory))
        return failed<held_place>("the manifest directory's path is not UTF-8 text");
    out.manifests = unique_fd(::open(out.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!out.manifests)
        return failed<held_place>("cannot open the manifest directory " + out.directory + ": " + errno_text(errno));
    if (auto open = open_held(out, options.make); !open) return failed<held_place>(open.error());
    if (options.lock && out.held)
        if (auto locked = lock_held(out); !locked) return failed<held_place>(locked.error());
    return outcome<held_place>(boost::system::in_place_value, std::move(out));
}

slot_state look_at(const held_slot& slot) {
    using record_state = held_state::record_state;
    slot_state out;
    out.slot = slot;
    if (slot.dir < 0) return out;
    out.held = see_file(slot.dir, slot.file);
    std::string text;
    const int error = read_record(slot.dir, slot.record, text);
    if (error == ENOENT) return out;
    auto parsed = error != 0 ? failed<held_record>(errno_text(error)) : parse_held_record(text);
    if (parsed) {
        out.record = record_state::good;
        out.found = std::move(*parsed);
    } else {
        out.record = record_state::malformed;
        out.trouble = slot.record_path() + ": " + parsed.error();
    }
    return out;
}

outcome<slot_state> look_at(const held_place& place) {
    auto beside = look_at(place.beside());
    auto within = look_at(place.within());
    if (!beside.empty() && !within.empty())
        return failed<slot_state>(place.target() + " is held twice, as " + beside.slot.path() + " and as " +
                                  within.slot.path() + "; compare them, and move one away with its record");
    return outcome<slot_state>(boost::system::in_place_value, within.empty() ? std::move(beside) : std::move(within));
}

outcome<std::vector<manifest_place>> find_held(const std::string& directory, const std::string& held_directory) {
    std::set<std::string> names;
    // A directory that is not there holds nothing.
    const auto scan = [&](const std::string& path, auto&& take) -> std::string {
        const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(path.c_str()), ::closedir);
        if (!open) return errno == ENOENT ? "" : "cannot look into " + path + ": " + errno_text(errno);
        while ((errno = 0, true)) {
            const dirent* entry = ::readdir(open.get());
            if (!entry) break;
            take(std::string(entry->d_name));
        }
        return errno == 0 ? "" : "cannot look into " + path + ": " + errno_text(errno);
    };
    const auto keep = [&](std::string name) {
        if (why_not_a_name(name).empty()) names.insert(std::move(name));
    };
    auto fault = scan(held_directory_of(directory, held_directory), [&](std::string name) {
        if (name.ends_with(record_ending)) name.resize(name.size() - record_ending.size());
        keep(std::move(name));
    });
    if (!fault.empty()) return failed<std::vector<manifest_place>>(std::move(fault));
    fault = scan(directory, [&](std::string name) {
        if (name[0] != '.') return;
        const std::string with_record = std::string(dot_ending) + ".json";
        if (name.ends_with(with_record)) name.resize(name.size() - with_record.size());
        else if (name.ends_with(dot_ending)) name.resize(name.size() - dot_ending.size());
        else return;
        keep(name.substr(1));
    });
    if (!fault.empty()) return failed<std::vector<manifest_place>>(std::move(fault));
    std::vector<manifest_place> out;
    for (const auto& name : names) out.push_back({directory, name, held_directory});
    return outcome<std::vector<manifest_place>>(boost::system::in_place_value, std::move(out));
}

}  // namespace launcher
