#include "launcher/guarded_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <deque>
#include <vector>

namespace launcher {

namespace {

constexpr int most_links = 40;  // as the kernel follows

struct step {
    unique_fd fd;
    std::string name;     // empty: the root
    bool shared = false;  // sticky and writable: what is in it must be its own proof
};

file_identity identity_in(const struct stat& info) {
    const auto ns = [](const timespec& time) {
        return static_cast<std::int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
    };
    return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size), ns(info.st_mtim),
            ns(info.st_ctim)};
}

bool is_trusted(uid_t uid) { return uid == 0 || uid == ::geteuid(); }

std::string octal(mode_t mode) {
    char text[8];
    std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
    return text;
}

// A path as one word for a shell.
std::string quoted(const std::string& path) {
    std::string result = "'";
    for (const char c : path) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

std::string joined(const std::vector<step>& steps, const std::string& last = {}) {
    std::string path;
    for (const auto& step : steps)
        if (!step.name.empty()) path += "/" + step.name;
    if (!last.empty()) path += "/" + last;
    return path.empty() ? "/" : path;
}

void split(const std::string& path, std::deque<std::string>& in_front_of) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= path.size();) {
        const auto end = std::min(path.find('/', begin), path.size());
        if (auto part = path.substr(begin, end - begin); !part.empty() && part != ".")
            parts.push_back(std::move(part));
        begin = end + 1;
    }
    in_front_of.insert(in_front_of.begin(), parts.begin(), parts.end());
}

class walk {
public:
    outcome<guarded_file> open(const std::string& path);

private:
    outcome<guarded_file> failure(std::string words) const {
        return outcome<guarded_file>(boost::system::in_place_error, std::move(words));
    }
    outcome<guarded_file> failed(const std::string& path, int error) const {
        if (error == ENOENT || error == ENOTDIR)
            return failure("there is no file " + path +
                           ": build the debug binary, or correct its path");
        return failure(path + " cannot be opened: " + std::strerror(error) +
                       "; correct its mode or its directories'");
    }
    bool enter_root();
    // `what` stands in a shared directory, or can be written: the first that is unsafe is told.
    void judge(const struct stat& info, const std::string& path, bool in_shared);
    outcome<guarded_file> finish(int found, const struct stat& info, const std::string& path);

    std::vector<step> steps_;
    guarded_file result_;
};

bool walk::enter_root() {
    steps_.clear();
    unique_fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat info {};
    if (!root || ::fstat(root.get(), &info) != 0) return false;
    judge(info, "/", false);
    steps_.push_back({std::move(root), {}, (info.st_mode & S_IWOTH) != 0});
    return true;
}

void walk::judge(const struct stat& info, const std::string& path, bool in_shared) {
    if (!result_.unsafe.empty()) return;
    const bool is_link = S_ISLNK(info.st_mode);
    // A link's own mode means nothing, and in a directory of ours nobody else can replace it.
    if (is_link && !in_shared) return;
    if (!is_trusted(info.st_uid)) {
        result_.unsafe = path + " belongs to uid " + std::to_string(info.st_uid) +
                         ", who could put another program in the component's place";
        result_.mend = "chown " + std::string(is_link ? "-h " : "") + "root " + quoted(path);
        return;
    }
    if (is_link || (info.st_mode & (S_IWGRP | S_IWOTH)) == 0) return;
    if (S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0) return;
    result_.unsafe = path + " can be written by others than its owner (mode " +
                     octal(info.st_mode) +
                     "), who could put another program in the component's place";
    result_.mend = "chmod go-w " + quoted(path);
}

outcome<guarded_file> walk::finish(int found, const struct stat& info, const std::string& path) {
    // The inode that was judged, whatever its name leads to by now.
    result_.fd = unique_fd(::open(("/proc/self/fd/" + std::to_string(found)).c_str(),
                                  O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!result_.fd) return failed(path, errno);
    result_.path = path;
    result_.mode = info.st_mode;
    const auto identity = identity_of(result_.fd.get());
    if (!identity) return failure(path + ": " + identity.error());
    result_.identity = *identity;
    return outcome<guarded_file>(boost::system::in_place_value, std::move(result_));
}

outcome<guarded_file> walk::open(const std::string& path) {
    if (path.empty() || path.front() != '/' || path.find('\0') != path.npos)
        return failure("the debug binary's path \"" + path +
                       "\" is not absolute: give it from the root");
    std::deque<std::string> left;
    split(path, left);
    if (!enter_root()) return failed("/", errno);
    int links = 0;
    while (!left.empty()) {
        const auto name = std::move(left.front());
        left.pop_front();
        if (name == "..") {
            if (steps_.size() > 1) steps_.pop_back();
            continue;
        }
        const auto here = joined(steps_, name);
        unique_fd fd(
            ::openat(steps_.back().fd.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        struct stat info {};
        if (!fd || ::fstat(fd.get(), &info) != 0) return failed(here, errno);
        judge(info, here, steps_.back().shared);
        if (S_ISLNK(info.st_mode)) {
            std::array<char, PATH_MAX> target;
            const auto n = ::readlinkat(fd.get(), "", target.data(), target.size());
            if (n <= 0 || static_cast<std::size_t>(n) == target.size() || ++links > most_links)
                return failure(here + " is a link that leads nowhere: correct it");
            const std::string text(target.data(), static_cast<std::size_t>(n));
            split(text, left);
            if (text.front() == '/' && !enter_root()) return failed("/", errno);
        } else if (S_ISDIR(info.st_mode)) {
            const bool shared = (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
            steps_.push_back({std::move(fd), name, shared});
        } else if (!left.empty()) {
            return failed(here, ENOTDIR);
        } else if (!S_ISREG(info.st_mode)) {
            return failure(here + " is not a regular file: name the program that was built");
        } else {
            return finish(fd.get(), info, here);
        }
    }
    return failure(path + " is a directory: name the program in it");
}

}  // namespace

outcome<file_identity> identity_of(int fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0)
        return "the file cannot be looked at: " + std::string(std::strerror(errno)) + "; try again";
    return identity_in(info);
}

bool same_file(const std::string& path, const file_identity& identity) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && identity_in(info) == identity;
}

outcome<guarded_file> open_guarded(const std::string& path) { return walk().open(path); }

}  // namespace launcher
