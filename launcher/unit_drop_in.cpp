#include "launcher/unit_drop_in.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "launcher/failed.h"
#include "launcher/fd.h"
#include "launcher/oom_score.h"
#include "launcher/unit_hindrances.h"
#include "launcher/unit_words.h"
#include "storage/sha256.h"

namespace launcher {

namespace {

constexpr std::string_view session_mark = "# delvegate session ";
constexpr std::string_view hash_mark = "# sha256 of what follows ";
constexpr std::size_t largest = 1 << 20;  // systemd's own limit for a line

std::string errno_words() { return std::strerror(errno); }

std::string path_of(const std::string& unit, const std::string& unit_directory) {
    return unit_directory + "/" + unit + ".d/" + drop_in_name;
}

bool is_session(std::string_view text) {
    return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The prefixes that systemd took off and reports as flags; "@" it has no flag for.
std::string prefixes_of(const exec_line& line) {
    std::string prefix;
    if (line.has("ignore-failure")) prefix += '-';
    if (line.has("no-env-expand")) prefix += ':';
    if (line.has("privileged")) prefix += '+';
    if (line.has("no-setuid")) prefix += '!';
    if (line.has("ambient")) prefix += "!!";
    return prefix;
}

bool carries(const std::string& word) { return word.find('\0') == std::string::npos && valid_utf8(word); }

// The smaller of what the unit may have, with dlv in it, and the component's memoryLimit. As a debuggee's own service has it:
// no swap, and a program without its dlv, or the reverse, would be of no use.
std::string memory_lines(const unit_plan& plan, const drop_in_request& request) {
    const auto& unit = plan.properties;
    std::string text;
    if (unit.memory_high != no_limit)
        text += "MemoryHigh=" + std::to_string(memory_with_dlv(unit.memory_high, request.memory_needed, 0)) + "\n";
    const auto most = memory_with_dlv(unit.memory_max, request.memory_needed, request.memory_limit);
    if (most == no_limit) return text;
    // Where others in its cgroup are meant to outlive it (KillMode=process) they are not killed with it.
    const bool alone = unit.kill_mode == "control-group" || unit.kill_mode == "mixed";
    return text + "MemoryMax=" + std::to_string(most) + "\nMemorySwapMax=0\nOOMPolicy=" + (alone ? "kill" : "stop") + "\n";
}

std::string undo_lines(const std::vector<std::string>& commands) {
    if (commands.empty()) return {};
    std::string text = "# By hand:\n";
    for (const auto& each : commands)
        if (each.find_first_of("\n\r") == std::string::npos && carries(each)) text += "#   " + each + "\n";
    return text;
}

struct taken_apart {
    bool good = false;
    std::string session;
};

taken_apart take_apart(std::string_view text) {
    taken_apart result;
    if (!text.starts_with(session_mark)) return result;
    text.remove_prefix(session_mark.size());
    auto end = text.find('\n');
    if (end == std::string_view::npos || !is_session(text.substr(0, end))) return result;
    result.session = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (!text.starts_with(hash_mark)) return result;
    text.remove_prefix(hash_mark.size());
    end = text.find('\n');
    if (end == std::string_view::npos) return result;
    result.good = storage::sha256_hex(text.substr(end + 1)) == text.substr(0, end);
    return result;
}

// Never through a link: what stands there under our name was not made by us then.
outcome<std::string> read_whole(const std::string& path) {
    unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) return failed<std::string>(errno_words());
    if (!S_ISREG(info.st_mode)) return failed<std::string>("it is no regular file");
    std::string text(largest + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const auto got = ::read(fd.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed<std::string>(errno_words());
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > largest) return failed<std::string>("it is too large");
    text.resize(size);
    return outcome<std::string>(boost::system::in_place_value, std::move(text));
}

bool sync_directory(const std::string& path) {
    const unique_fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd && ::fsync(fd.get()) == 0;
}

}  // namespace

outcome<drop_in> make_drop_in(const unit_plan& plan, const drop_in_request& request, const std::string& unit_directory) {
    if (plan.way != unit_way::drop_in || plan.properties.exec_start.size() != 1)
        return failed<drop_in>(plan.unit + " cannot be run under dlv in its own unit" +
                               (plan.why_beside.empty() ? std::string() : ": " + plan.why_beside));
    if (!is_session(request.session)) return failed<drop_in>("a session id has 32 hex digits");
    if (!request.dlv.starts_with('/') || !request.binary.starts_with('/'))
        return failed<drop_in>("the paths of dlv and of the debug binary must be absolute");
    const auto& line = plan.properties.exec_start[0];
    const bool expand = !line.has("no-env-expand");
    const auto ours = [&](const std::string& word) { return expand ? literal(word) : word; };

    std::vector<std::string> command{request.dlv, "exec", ours(request.binary), "--headless", "--accept-multiclient",
                                     "--api-version=2", ours("--listen=" + request.listen)};
    if (request.continue_at_once) command.emplace_back("--continue");
    if (line.argv.size() > 1 || !request.extra_arguments.empty()) command.emplace_back("--");
    for (std::size_t i = 1; i < line.argv.size(); ++i) command.push_back(line.argv[i]);
    for (const auto& word : request.extra_arguments) command.push_back(ours(word));
    if (!std::all_of(command.begin(), command.end(), carries))
        return failed<drop_in>("an argument of " + plan.unit + " is not UTF-8 or has a NUL byte, which no unit file can carry");

    auto written = command;
    written[0] = prefixes_of(line) + command[0];
    std::string text =
        "# Made by delvegate, which debugs this unit now. `delvegate restore` takes it away again, and so does a reboot.\n" +
        undo_lines(request.undo) +
        "[Service]\n"
        "Type=simple\n"
        "NotifyAccess=none\n"
        "Restart=no\n"
        "WatchdogSec=0\n"
        "OOMScoreAdjust=" + std::to_string(oom_score_for(plan.own_oom_score)) + "\n"
        "TimeoutStopSec=" + std::to_string(plan.process.grace.count()) + "\n"
        "ExecReload=\n" +
        memory_lines(plan, request);
    for (const auto& loosened : plan.loosened) text += loosened + "\n";
    const auto& listen = request.listen;
    constexpr std::string_view unix_prefix = "unix:";
    if (listen.starts_with(unix_prefix) &&
        (plan.properties.protect_system == "strict" || !plan.properties.read_only_paths.empty()))
        text += "ReadWritePaths=" + quote_word(listen.substr(unix_prefix.size(), listen.rfind('/') - unix_prefix.size())) + "\n";
    // Without it a dlv built with Go 1.23 or later forks a process of its own that sends telemetry.
    text += "Environment=GO_TELEMETRY_CHILD=2\n";
    text += "ExecStart=\n";
    text += "ExecStart=" + quote_words(written) + "\n";
    if (text.size() > largest) return failed<drop_in>(plan.unit + "'s arguments are too long for a unit file");

    drop_in made;
    made.unit = plan.unit;
    made.path = path_of(plan.unit, unit_directory);
    made.session = request.session;
    made.text = std::string(session_mark) + request.session + "\n" + std::string(hash_mark) + storage::sha256_hex(text) +
                "\n" + text;
    made.hash = storage::sha256_hex(made.text);
    made.command = std::move(command);
    return made;
}

outcome<void> write_drop_in(const drop_in& made) {
    const auto directory = made.path.substr(0, made.path.rfind('/'));
    const auto parent = directory.substr(0, directory.rfind('/'));
    const auto fault = [&](const std::string& what) {
        return what + ": " + errno_words() + "; nothing of " + made.unit + " was changed by it";
    };
    // A reader of the directory takes names that end in .conf only.
    const auto fresh = directory + "/." + drop_in_name + ".new";
    const bool made_parent = ::mkdir(parent.c_str(), 0755) == 0;
    if (!made_parent && errno != EEXIST) return fault(parent + " could not be made");
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return fault(directory + " could not be made");
    ::unlink(fresh.c_str());  // of a start that was cut off
    unique_fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd) return fault(fresh + " could not be made");
    const bool written = storage::write_all(fd.get(), made.text) == 0 && ::fchmod(fd.get(), 0644) == 0 && ::fsync(fd.get()) == 0;
    // A link and not a rename: it never replaces a file that is there.
    const bool placed = written && ::link(fresh.c_str(), made.path.c_str()) == 0;
    if (!placed) {
        const auto words = errno == EEXIST ? made.path + " is there already: delvegate restore takes it away"
                                           : fault(made.path + " could not be written");
        ::unlink(fresh.c_str());
        ::rmdir(directory.c_str());
        return words;
    }
    ::unlink(fresh.c_str());
    if (!sync_directory(directory) || !sync_directory(parent)) return fault(directory + " could not be written to the disk");
    return {};
}

outcome<void> check_effective(systemd_manager& systemd, const drop_in& made) {
    const auto unit = systemd.properties(made.unit);
    if (!unit) return unit.error();
    if (unit->load_state != "loaded")
        return "with delvegate's drop-in systemd cannot load " + made.unit + ": " + unit->load_error;
    const auto& paths = unit->drop_in_paths;
    const auto at = std::find(paths.begin(), paths.end(), made.path);
    if (at == paths.end())
        return "systemd does not read " + made.path + ": look for another " + drop_in_name + " of " + made.unit +
               " in /etc/systemd, which hides it";
    std::string later;
    for (auto it = at + 1; it != paths.end(); ++it) later += (later.empty() ? "" : ", ") + *it;
    const auto wins = [&](const std::string& what) {
        return what + " of " + made.unit + " is not delvegate's" +
               (later.empty() ? std::string(": systemd reads the drop-in otherwise than it was meant")
                              : ": a drop-in that is read after it sets it too (" + later + ")");
    };
    if (unit->exec_start.size() != 1 || unit->exec_start[0].argv != made.command) return wins("ExecStart");
    if (unit->type != "simple") return wins("Type");
    if (unit->restart != "no") return wins("Restart");
    if (!unit->exec_reload.empty()) return wins("ExecReload");
    return {};
}

drop_in_on_disk find_drop_in(const std::string& unit, const std::string& unit_directory) {
    drop_in_on_disk found;
    found.path = path_of(unit, unit_directory);
    struct stat info {};
    if (::lstat(found.path.c_str(), &info) != 0) {
        found.state = errno == ENOENT || errno == ENOTDIR ? drop_in_found::none : drop_in_found::changed;
        return found;
    }
    found.state = drop_in_found::changed;
    const auto text = read_whole(found.path);
    if (!text) return found;
    const auto parts = take_apart(*text);
    found.session = parts.session;
    found.hash = storage::sha256_hex(*text);
    if (parts.good) found.state = drop_in_found::ours;
    return found;
}

outcome<drop_in_removal> remove_drop_in(const std::string& unit, const std::string& unit_directory,
                                        const std::string& session, const std::string& hash) {
    const auto found = find_drop_in(unit, unit_directory);
    const auto look = "look at it, and remove it by hand, then systemctl daemon-reload and systemctl restart " + unit;
    if (found.state == drop_in_found::none) return drop_in_removal::was_gone;
    if (found.state == drop_in_found::changed || (!hash.empty() && found.hash != hash))
        return failed<drop_in_removal>(found.path + " was changed since delvegate wrote it and is left: " + look);
    if (found.session != session)
        return failed<drop_in_removal>(found.path + " is of another session (" + found.session + ") and is left: " + look);
    if (::unlink(found.path.c_str()) != 0 && errno != ENOENT)
        return failed<drop_in_removal>(found.path + " could not be removed: " + errno_words() + "; remove it by hand");
    const auto directory = found.path.substr(0, found.path.rfind('/'));
    if (!sync_directory(directory))
        return failed<drop_in_removal>(directory + " could not be written to the disk: " + errno_words());
    // Only when nobody else has anything in it.
    if (::rmdir(directory.c_str()) == 0) sync_directory(directory.substr(0, directory.rfind('/')));
    return drop_in_removal::removed;
}

outcome<std::string> set_drop_in_aside(const std::string& unit, const std::string& unit_directory) {
    const auto path = path_of(unit, unit_directory);
    // systemd reads names that end in .conf only.
    for (int number = 1; number < 1000; ++number) {
        const auto aside = path + ".changed-" + std::to_string(number);
        if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, aside.c_str(), RENAME_NOREPLACE) == 0) {
            if (!sync_directory(path.substr(0, path.rfind('/'))))
                return failed<std::string>(aside + " could not be written to the disk: " + errno_words());
            return outcome<std::string>(boost::system::in_place_value, aside);
        }
        if (errno != EEXIST) return failed<std::string>(path + " could not be put aside: " + errno_words() + "; move it by hand");
    }
    return failed<std::string>(path + " could not be put aside: there are too many of them; remove them");
}

}  // namespace launcher
