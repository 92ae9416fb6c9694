#include "gateway/file_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>
#include <utility>

#include "gateway/log.h"

namespace gateway {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB |
                               IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr int max_links = 40;  // as the kernel's own bound

// Which file it is, how long, and when it was last touched.
std::string stat_text(const std::string& path) {
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) return "none";
    return std::to_string(st.st_dev) + " " + std::to_string(st.st_ino) + " " + std::to_string(st.st_size) + " " +
           std::to_string(st.st_mtim.tv_sec) + "." + std::to_string(st.st_mtim.tv_nsec) + " " +
           std::to_string(st.st_ctim.tv_sec) + "." + std::to_string(st.st_ctim.tv_nsec);
}

std::string appearance(const std::string& path) {
    std::string text = stat_text(path);
    std::error_code ec;
    if (!fs::is_directory(path, ec)) return text;
    std::vector<std::string> entries;
    for (fs::directory_iterator at(path, ec), end; !ec && at != end; at.increment(ec))
        entries.push_back(at->path().filename().string() + " " + stat_text(at->path().string()));
    std::sort(entries.begin(), entries.end());
    for (const auto& one : entries) text += "\n" + one;
    return text;
}

// Every directory whose entries decide what the path is, and the entries' names: the ones above the file, and
// those that symbolic links on the way lead through.
void walk(const fs::path& path, int& links, std::vector<std::pair<std::string, std::string>>& entries) {
    fs::path at = "/";
    for (auto part = path.begin(); part != path.end(); ++part) {
        if (*part == "/" || part->empty() || *part == ".") continue;
        std::error_code ec;
        const fs::path next = at / *part;
        const auto kind = fs::symlink_status(next, ec).type();
        auto rest = part;
        const bool last = ++rest == path.end();
        if (last || kind == fs::file_type::symlink || kind == fs::file_type::not_found)
            entries.emplace_back(at.string(), part->string());
        if (kind != fs::file_type::symlink) {
            at = *part == ".." ? at.parent_path() : next;
            continue;
        }
        if (++links > max_links) return;
        fs::path target = fs::read_symlink(next, ec);
        if (ec) return;
        if (target.is_relative()) target = at / target;
        for (; rest != path.end(); ++rest) target /= *rest;
        return walk(target, links, entries);
    }
    std::error_code ec;
    if (fs::is_directory(at, ec)) entries.emplace_back(at.string(), std::string());  // all that is in it
}

}  // namespace

file_watch::file_watch(boost::asio::io_context& io, std::function<void(const std::set<std::string>&)> changed)
    : file_watch(io, std::move(changed), settings{}) {}

file_watch::file_watch(boost::asio::io_context& io, std::function<void(const std::set<std::string>&)> changed,
                       settings how)
    : io_(io), changed_(std::move(changed)), how_(how), inotify_(io), quiet_(io), poll_(io) {
    if (!how_.use_inotify) return;
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
        log().warn("files are looked at every {} ms, for the kernel cannot tell of changes: {}", how_.poll.count(),
                   std::generic_category().message(errno));
        return;
    }
    boost::system::error_code ec;
    inotify_.assign(fd, ec);
    if (ec) ::close(fd);
}

file_watch::~file_watch() = default;

void file_watch::watch(const std::set<std::string>& paths) {
    seen_.clear();
    for (const auto& path : paths) seen_[path] = appearance(path);
    arm_directories();
    wait_for_events();
    arm_poll();
}

// Links may lead elsewhere since the last time.
void file_watch::arm_directories() {
    const bool before = std::exchange(complete_, inotify_.is_open());
    names_.clear();
    for (const auto& [path, look] : seen_) {
        std::vector<std::pair<std::string, std::string>> entries;
        int links = 0;
        walk(path, links, entries);
        for (const auto& [directory, name] : entries) names_[directory + "\n" + name].insert(path);
    }
    if (!complete_) return;
    std::map<int, std::string> now;
    for (const auto& [key, paths] : names_) {
        const std::string directory = key.substr(0, key.find('\n'));
        const int wd = ::inotify_add_watch(inotify_.native_handle(), directory.c_str(), mask);
        if (wd >= 0)
            now[wd] = directory;
        else
            complete_ = false;  // not there yet, or not ours to watch
    }
    for (const auto& [wd, directory] : directories_)
        if (!now.contains(wd)) ::inotify_rm_watch(inotify_.native_handle(), wd);
    directories_ = std::move(now);
    if (before && !complete_) arm_poll();  // sooner than the next second look
}

void file_watch::wait_for_events() {
    if (!inotify_.is_open()) return;
    inotify_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
                            if (ec || alive.expired()) return;
                            read_events();
                            wait_for_events();
                        });
}

void file_watch::read_events() {
    alignas(inotify_event) std::array<char, 16 * 1024> buffer;
    for (;;) {
        const ssize_t n = ::read(inotify_.native_handle(), buffer.data(), buffer.size());
        if (n <= 0) return;
        for (ssize_t at = 0; at < n;) {
            const auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + at);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event.len);
            if (event.mask & IN_Q_OVERFLOW)
                for (const auto& [path, look] : seen_) dirty_.insert(path);
            const auto where = directories_.find(event.wd);
            if (where == directories_.end() && !(event.mask & IN_Q_OVERFLOW)) continue;
            bool ours = (event.mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF)) != 0;
            if (event.len > 0)
                for (const auto& key : {where->second + "\n" + event.name, where->second + "\n"})
                    if (const auto found = names_.find(key); found != names_.end()) {
                        ours = true;
                        // Touched, even if from outside nothing is to be seen: two writes within one tick.
                        if (event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) dirty_.insert(found->second.begin(), found->second.end());
                    }
            if (ours) soon();
        }
    }
}

void file_watch::soon() {
    const auto now = std::chrono::steady_clock::now();
    if (!std::exchange(pending_, true)) first_sign_ = now;
    quiet_.expires_at(std::min(now + how_.quiet, first_sign_ + how_.patience));
    quiet_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
        if (ec || alive.expired()) return;
        pending_ = false;
        compare();
    });
}

void file_watch::compare() {
    arm_directories();
    auto changed = std::exchange(dirty_, {});
    for (auto& [path, look] : seen_) {
        auto now = appearance(path);
        if (now == look) continue;
        look = std::move(now);
        changed.insert(path);
    }
    if (!changed.empty()) changed_(changed);
}

void file_watch::arm_poll() {
    poll_.expires_after(complete_ ? how_.second_look : how_.poll);
    poll_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
        if (ec || alive.expired()) return;
        if (!pending_) compare();
        if (!alive.expired()) arm_poll();
    });
}

}  // namespace gateway
