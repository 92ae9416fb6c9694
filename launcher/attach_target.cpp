#include "launcher/attach_target.h"

#include <poll.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "launcher/arguments.h"
#include "launcher/container_runtime.h"
#include "launcher/kubelet_config.h"
#include "launcher/manifest_search.h"
#include "launcher/pod_process.h"
#include "launcher/systemd_manager.h"
#include "storage/trusted_file.h"

namespace launcher {

namespace {

template <class Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    while (!text.empty() && (text.front() == '\t' || text.front() == ' ')) text.remove_prefix(1);
    Number value{};
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string bytes_of(const std::string& file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

// "0" of "TracerPid:\t0"; empty when there is no such line.
std::string status_word(const std::string& status, std::string_view name) {
    std::istringstream lines(status);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':') {
            const auto at = line.find_first_not_of(" \t", name.size() + 1);
            return at == line.npos ? std::string() : line.substr(at);
        }
    return {};
}

outcome<pid_t> by_unit(const component_definition& definition, attach_target& target) {
    auto systemd = systemd_manager::connect(manager_scope::system);
    if (!systemd) return error_text(systemd.error());
    const auto unit = systemd->properties(definition.unit);
    if (!unit) return error_text(unit.error());
    if (unit->load_state == "not-found") return definition.unit + " is not a unit of this node";
    if (unit->main_pid == 0) return definition.unit + " is " + unit->active_state + " and has no main process";
    if (unit->watchdog_usec != no_limit) target.watchdog_usec = unit->watchdog_usec;
    target.found_in = definition.unit;
    return unit->main_pid;
}

outcome<pid_t> by_pid_file(const component_definition& definition, attach_target& target) {
    constexpr std::size_t longest = 64;
    const auto text = storage::read_root_file(definition.pid_file, longest);
    if (!text) return error_text(text.error());
    const auto pid = number_of<pid_t>(*text);
    if (!pid || *pid <= 0) return definition.pid_file + " does not hold the number of a process";
    target.found_in = definition.pid_file;
    return *pid;
}

outcome<pid_t> only(const std::vector<live_process>& all, const std::string& what) {
    if (all.empty()) return "there is no " + what;
    if (all.size() > 1)
        return "there are " + std::to_string(all.size()) + " of " + what + " (pid " + std::to_string(all[0].pid) + ", " +
               std::to_string(all[1].pid) + ", …): which is meant cannot be told";
    return all.front().pid;
}

// "…/cri-containerd-ID.scope" and the like: what a container's processes are in, and nothing else is.
bool is_cgroup_of(const std::string& cgroup, const std::string& container_id) {
    std::istringstream lines(cgroup);
    for (std::string line; std::getline(lines, line);) {
        const auto last = line.substr(line.rfind('/') + 1);
        for (const std::string_view manager : {"cri-containerd-", "crio-", "docker-"})
            if (last == std::string(manager) + container_id + ".scope") return true;
        if (last == container_id) return true;
    }
    return false;
}

// Its numbers, from our pid namespace inwards.
std::vector<pid_t> numbers_of(pid_t process, const std::string& proc) {
    std::vector<pid_t> out;
    std::istringstream words(status_word(bytes_of(proc + "/" + std::to_string(process) + "/status"), "NSpid"));
    for (pid_t number = 0; words >> number;) out.push_back(number);
    return out;
}

outcome<pid_t> by_container(const component_definition& definition, attach_target& target) {
    std::string endpoint = "unix:///run/containerd/containerd.sock";
    std::optional<kubelet_setup> setup;
    if (const auto kubelet = find_kubelet())
        if (auto read = read_kubelet_setup(kubelet->argv, kubelet->working_directory)) {
            setup = *read;
            if (!setup->cri_endpoint.empty()) endpoint = setup->cri_endpoint;
        }
    const auto answer = running_containers(endpoint, definition.name_space, definition.container);
    if (!answer) return error_text(answer.error());
    const auto what = definition.container + " of " + definition.name_space;
    if (answer->asked.empty()) return "the container " + what + " cannot be looked up: install crictl (cri-tools)";
    if (answer->running.size() != 1)
        return answer->running.empty() ? "no container " + what + " runs (" + answer->asked + " ps)"
                                       : std::to_string(answer->running.size()) + " containers " + what +
                                             " run here: which is meant cannot be told";
    target.found_in = "container " + answer->running.front().substr(0, 12);
    if (setup) {
        std::vector<finding> ignored;
        const auto pod = definition.pod.empty() ? definition.container : definition.pod;
        const auto manifest = find_manifest(setup->manifests, pod, ignored);
        const auto* container = manifest ? manifest->manifest.find(definition.container) : nullptr;
        if (container != nullptr && container->liveness)
            target.probe_patience =
                std::chrono::seconds(std::max(container->liveness->failures - 1, 0) * container->liveness->period);
    }
    return first_in_container(answer->running.front(), what);
}

outcome<pid_t> find_pid(const component_definition& definition, attach_target& target) {
    if (!definition.container.empty()) return by_container(definition, target);
    if (!definition.pid_file.empty()) return by_pid_file(definition, target);
    if (!definition.process.empty()) {
        target.found_in = "the process " + definition.process;
        return find_named(definition);
    }
    return by_unit(definition, target);
}

}  // namespace

outcome<pid_t> find_named(const component_definition& definition, const std::string& proc) {
    const auto uid = uid_of(definition.user);
    if (!uid) return error_text(uid.error());
    auto all = find_processes(definition.process, proc);
    std::erase_if(all, [&](const auto& each) {
        return each.in_container || each.uid != *uid || !each.one_uid ||
               (!definition.executable.empty() && each.executable != definition.executable);
    });
    return only(all, "process " + definition.process + " of " + definition.user + " outside of containers");
}

outcome<pid_t> first_in_container(const std::string& container_id, const std::string& what, const std::string& proc) {
    auto all = find_processes({}, proc);
    std::erase_if(all, [&](const auto& each) { return !is_cgroup_of(each.cgroup, container_id); });
    // A namespace that somebody has made in there has its own number 1.
    std::map<pid_t, std::vector<pid_t>> numbers;
    std::size_t fewest = std::numeric_limits<std::size_t>::max();
    for (const auto& each : all)
        if (const auto& of = numbers[each.pid] = numbers_of(each.pid, proc); !of.empty()) fewest = std::min(fewest, of.size());
    std::erase_if(all, [&](const auto& each) { return numbers[each.pid].size() != fewest; });
    auto first = all;
    std::erase_if(first, [&](const auto& each) { return numbers[each.pid].back() != 1; });
    return only(first.empty() ? all : first, "process in the container " + what);
}

outcome<attach_target> find_attach_target(const component_definition& definition) {
    using result = outcome<attach_target>;
    const auto failed = [&](const std::string& why) {
        return result(boost::system::in_place_error, "component " + definition.name + ": " + why);
    };
    attach_target target;
    const auto pid = find_pid(definition, target);
    if (!pid) return failed(pid.error());
    target.pidfd = unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
    const auto number = std::to_string(*pid);
    if (!target.pidfd) return failed("process " + number + " of " + target.found_in + ": " + std::strerror(errno));
    auto process = read_process(*pid);
    target.program = program_of(*pid);
    // Whoever found the number found it before the descriptor: asked again, it must be the same.
    attach_target again;
    const auto pid_again = find_pid(definition, again);
    if (!process || !pid_again || *pid_again != *pid || !still_there(target))
        return failed(target.found_in + " has just got another process: try again");
    target.process = std::move(*process);
    target.found_in += " (pid " + number + ")";
    return result(boost::system::in_place_value, std::move(target));
}

bool still_there(const attach_target& target) {
    pollfd ended{target.pidfd.get(), POLLIN, 0};
    return target.pidfd && ::poll(&ended, 1, 0) == 0;
}

std::optional<file_inode> program_of(pid_t process) {
    struct stat info {};
    if (::stat(("/proc/" + std::to_string(process) + "/exe").c_str(), &info) != 0) return std::nullopt;
    return file_inode{info.st_dev, info.st_ino};
}

bool still_itself(const attach_target& target) {
    const auto program = program_of(target.process.pid);
    return program && program == target.program && still_there(target);
}

void check_attach_target(const component_definition& definition, const live_process& process, std::vector<finding>& findings,
                         const std::string& proc) {
    const auto refuse = [&](std::string text, std::string mend = {}) {
        findings.push_back({severity::refusal, std::move(text), std::move(mend)});
    };
    const auto directory = proc + "/" + std::to_string(process.pid);
    const auto name = "process " + std::to_string(process.pid);
    const auto status = bytes_of(directory + "/status");
    const auto uid = uid_of(definition.user);
    if (!uid) refuse(uid.error());
    else if (process.uid != *uid)
        refuse(name + " runs as uid " + std::to_string(process.uid) + ", not as " + definition.user,
               "user of " + definition.name + " in launcher.yaml says whose it must be");
    if (!definition.executable.empty() && process.executable != definition.executable)
        refuse(name + " runs " + (process.executable.empty() ? "what cannot be read" : process.executable) + ", not " +
               definition.executable);
    if (process.pid == 1 || process.pid == ::getpid()) refuse(name + " is not to be stopped");
    if (const auto tracer = tracer_of(process.pid, proc); tracer != 0)
        refuse(name + " is traced already, by process " + std::to_string(tracer), "ps -fp " + std::to_string(tracer));
    const auto capabilities = number_of<std::uint64_t>(status_word(status, "CapPrm"), 16).value_or(0);
    if (process.uid != 0 && capabilities != 0)
        refuse(name + " holds capabilities that dlv would not have as uid " + std::to_string(process.uid) +
               ": the kernel does not let it be traced");
    const auto scope = number_of<int>(bytes_of(proc + "/sys/kernel/yama/ptrace_scope")).value_or(0);
    if (scope >= 3) refuse("kernel.yama.ptrace_scope is 3: until the next boot nobody can attach to a process");
    else if (scope > 0 && process.uid != 0)
        refuse("kernel.yama.ptrace_scope is " + std::to_string(scope) + ": dlv may not attach as uid " + std::to_string(process.uid),
               "sysctl kernel.yama.ptrace_scope=0, which lets each user's processes attach to each other");
}

pid_t tracer_of(pid_t process, const std::string& proc) {
    const auto word = [&](pid_t pid, std::string_view name) {
        return number_of<pid_t>(status_word(bytes_of(proc + "/" + std::to_string(pid) + "/status"), name)).value_or(0);
    };
    const auto thread = word(process, "TracerPid");
    return thread == 0 ? 0 : word(thread, "Tgid");
}

outcome<uid_t> uid_of(const std::string& user) {
    if (const auto number = number_of<uid_t>(user)) return *number;
    std::vector<char> room(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwnam_r(user.c_str(), &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
        return error_text("there is no user " + user + " on this node");
    return entry.pw_uid;
}

}  // namespace launcher
