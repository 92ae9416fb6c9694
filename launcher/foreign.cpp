#include "launcher/foreign.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "launcher/dlv_flags.h"
#include "launcher/listeners.h"

namespace launcher {

namespace {

std::string read_file(const char* path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string joined(const std::vector<std::string>& argv) {
    std::string text;
    for (const auto& word : argv) text += (text.empty() ? "" : " ") + word;
    constexpr std::size_t longest = 300;
    if (text.size() > longest) text = text.substr(0, longest) + "…";
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return text;
}

std::string named(const holder& process) {
    return "process " + std::to_string(process.pid) + " (" + joined(process.argv) + ")";
}

// dlv may have bound a relative path, and ours may lead over a link: the file decides.
bool same_file(const struct stat& wanted, const std::string& path, pid_t pid) {
    const auto absolute =
        path.front() == '/' ? path : "/proc/" + std::to_string(pid) + "/cwd/" + path;
    struct stat info {};
    return ::stat(absolute.c_str(), &info) == 0 && info.st_dev == wanted.st_dev &&
           info.st_ino == wanted.st_ino;
}

outcome<holders> find_unix_holders(const dlv_address& address) {
    const auto where = to_string(address);
    struct stat wanted {};
    if (::stat(address.path.c_str(), &wanted) != 0)
        return "there is no dlv at " + where + " (" + std::strerror(errno) +
               "): start it, or correct the address";
    if (!S_ISSOCK(wanted.st_mode)) return address.path + " is not a socket: correct the address";
    std::error_code ignored;
    const auto real = std::filesystem::canonical(address.path, ignored).filename();
    auto sockets = find_unix(read_file("/proc/net/unix"));
    std::erase_if(sockets, [&](const listening_socket& socket) {
        struct stat info {};
        // Relative to a directory that is yet to be found: only the name can be compared.
        if (socket.path.front() != '/')
            return std::filesystem::path(socket.path).filename() != real;
        return ::stat(socket.path.c_str(), &info) != 0 || info.st_ino != wanted.st_ino ||
               info.st_dev != wanted.st_dev;
    });
    const auto nothing =
        "nothing listens at " + where + " any more: start dlv again, or correct the address";
    if (sockets.empty()) return nothing;
    auto all = who_holds(sockets);
    std::erase_if(all.found, [&](const holder& process) {
        const auto socket = std::find_if(sockets.begin(), sockets.end(),
                                         [&](const auto& s) { return s.inode == process.inode; });
        return !same_file(wanted, socket->path, process.pid);
    });
    const bool absolute = std::any_of(sockets.begin(), sockets.end(),
                                      [](const auto& s) { return s.path.front() == '/'; });
    if (all.found.empty() && !absolute && !all.some_hidden) return nothing;
    return all;
}

outcome<holders> find_tcp_holders(const dlv_address& address) {
    const auto where = to_string(address);
    const auto listeners =
        find_tcp(read_file("/proc/net/tcp"), read_file("/proc/net/tcp6"), address);
    if (listeners.exact.empty() && !listeners.wildcard.empty())
        return "what listens on port " + std::to_string(address.port) +
               " listens on every address of this machine, so anybody who reaches it may use it: "
               "start dlv with --listen=" +
               where;
    if (listeners.exact.empty())
        return "nothing listens at " + where + ": start dlv there, or correct the address";
    return who_holds(listeners.exact);
}

// Of the processes that hold the socket dlv is the one that answers; others may have inherited it.
outcome<foreign_dlv> judge(const dlv_address& address, const holders& all, uid_t owner) {
    const auto where = to_string(address);
    if (all.found.empty())
        return "it cannot be seen which process listens at " + where +
               (all.some_hidden
                    ? ": run delvegate as the user who started it, or as root"
                    : ", perhaps one in a container: run delvegate where that process is visible");
    std::set<std::uint64_t> inodes;
    for (const auto& process : all.found) inodes.insert(process.inode);
    if (inodes.size() > 1)
        return "more than one program listens at " + where + ": stop all but one dlv";

    const holder* dlv = nullptr;
    outcome<void> verdict;
    for (const auto& process : all.found) {
        if (!is_dlv(process.argv)) continue;
        dlv = &process;
        verdict = judge_invocation(parse_invocation(process.argv));
        if (verdict) break;
    }
    if (dlv == nullptr)
        return named(all.found.front()) + " listens at " + where +
               " and is not dlv: correct the address";
    if (!verdict) return named(*dlv) + " at " + where + " was left untouched: " + verdict.error();
    if (dlv->uid != owner)
        return named(*dlv) + " at " + where + " runs as uid " + std::to_string(dlv->uid) + ", not uid " +
               std::to_string(owner) + ": if that is whose dlv you mean, name that user as the component's `user`";
    if (address.how == dlv_address::kind::tcp && dlv->uid != ::geteuid() &&
        parse_invocation(dlv->argv).only_same_user)
        return named(*dlv) + " at " + where + " runs as uid " + std::to_string(dlv->uid) +
               " and accepts only that user's connections, not uid " + std::to_string(::geteuid()) +
               "'s: run both as one user, or let dlv listen on a Unix socket";
    return foreign_dlv{dlv->pid, joined(dlv->argv)};
}

outcome<uid_t> uid_of(const std::string& user) {
    if (user.empty()) return ::geteuid();
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(16 * 1024);
    if (::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return "there is no system user " + user + ": correct the component's `user`";
    return found->pw_uid;
}

}  // namespace

outcome<foreign_dlv> check_foreign(const dlv_address& address, const std::string& user) {
    const auto owner = uid_of(user);
    if (!owner) return owner.error();
    const auto all = address.how == dlv_address::kind::unix_socket ? find_unix_holders(address)
                                                                   : find_tcp_holders(address);
    if (!all) return all.error();
    return judge(address, *all, *owner);
}

}  // namespace launcher
