#include "launcher/debuggee_unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "launcher/command_line.h"
#include "launcher/dlv_version.h"
#include "launcher/failure.h"
#include "launcher/guard.h"
#include "launcher/loopback.h"
#include "launcher/oom_score.h"
#include "launcher/process_tree.h"
#include "launcher/readiness.h"
#include "launcher/start_patience.h"
#include "launcher/transient_service.h"
#include "launcher/waiting.h"

namespace launcher {

namespace {

using std::chrono::seconds;

constexpr std::uint64_t guard_memory = 512u << 20;

exec_spec spec_of(const component_plan& plan) {
    exec_spec spec;
    spec.name = plan.definition.name;
    spec.binary = plan.binary;
    for (std::size_t i = 1; i < plan.process.argv.size(); ++i) spec.args.push_back(plan.process.argv[i].value);
    spec.working_directory = plan.process.working_directory;
    spec.dlv = plan.definition.dlv;
    return spec;
}

std::vector<std::string> words_of(const component_plan& plan, const exec_spec& spec, const std::string& dlv,
                                  const std::string& listen) {
    const auto& process = plan.process;
    switch (process.mode) {
        case dlv_mode::attach:
            return attach_command_line(dlv, listen, process.target.pid, plan.binary, process.continue_at_once);
        case dlv_mode::core: return core_command_line(dlv, listen, plan.binary, process.core);
        case dlv_mode::exec: break;
    }
    return command_line(spec, dlv, listen, process.working_directory);
}

std::string read_from(const std::string& file, std::uint64_t start) {
    const unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    std::string text(64 << 10, '\0');
    const auto n = fd ? ::pread(fd.get(), text.data(), text.size(), static_cast<off_t>(start)) : -1;
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
}

std::string own_program() {
    std::array<char, 4096> path{};
    const auto n = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    std::string text(path.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    constexpr std::string_view gone = " (deleted)";  // a package upgrade: the new one is at the same place
    if (text.ends_with(gone)) text.resize(text.size() - gone.size());
    return text;
}

outcome<unique_fd> listen_at(const std::string& path, int type) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return path + " is too long for a socket: use a shorter runtimeDirectory";
    path.copy(address.sun_path, path.size());
    ::unlink(path.c_str());
    unique_fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), 64) != 0)
        return path + " cannot be listened on: " + std::strerror(errno);
    return fd;
}

}  // namespace

bool steers_the_loader(const std::string& variable) {
    constexpr std::string_view names[] = {"GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "NLSPATH", "TMPDIR", "MALLOC_TRACE",
                                          "RES_OPTIONS", "HOSTALIASES", "LOCALDOMAIN", "NIS_PATH", "TZDIR", "GETCONF_DIR"};
    return variable.starts_with("LD_") || std::find(std::begin(names), std::end(names), variable) != std::end(names);
}

outcome<launched> launch_debuggee(service_host& host, const component_plan& plan, const session_files& files,
                                  std::chrono::milliseconds patience) {
    const auto dlv = find_dlv(plan.definition.dlv);
    if (!dlv) return error_text(dlv.error());
    const auto version = version_of(*dlv);
    if (!version) return error_text(version.error());
    const bool by_socket = *version >= first_with_unix_sockets;
    const auto spec = spec_of(plan);

    transient_service service;
    service.unit = debuggee_unit_of(plan.definition.name);
    service.description = "delvegate: " + plan.definition.name + " under dlv";
    service.argv = words_of(plan, spec, *dlv, by_socket ? "unix:" + files.dlv_socket : quieter_loopback() + ":0");
    for (const auto& [name, word] : plan.process.env) service.environment.emplace_back(name, word.value);
    service.environment.emplace_back("GO_TELEMETRY_CHILD", "2");  // no telemetry sidecar of dlv's
    service.environment_file = files.directory + "/environment";   // a container's holds secrets
    service.working_directory = plan.process.working_directory;
    service.uid = plan.process.uid;
    service.gid = plan.process.gid;
    service.groups = plan.process.groups;
    service.mounts = plan.process.mounts;
    service.memory_max = plan.definition.memory_limit;
    service.oom_score_adjust = oom_score_for(own_oom_score(plan.process));
    service.limit_nofile = 1u << 20;
    service.timeout_stop = seconds(10);
    if (plan.process.mode == dlv_mode::attach) {
        // One that is killed leaves its breakpoints in a program that goes on: it goes last when memory is short. And the
        // program stands still while dlv takes its time to let go.
        service.timeout_stop = start_patience(plan).most(patience);
        service.oom_score_adjust = -900;
    }
    if (plan.process.mode == dlv_mode::core)
        service.sealed = sealed_service{{files.debuggee}, {*dlv, plan.binary, plan.process.core}, !by_socket};
    service.output_file = files.output;
    struct stat info {};
    const auto start = ::stat(files.output.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;

    // setpriv changes the user while it still is root's, under these.
    for (const auto& [name, word] : plan.process.env)
        if (plan.process.uid != 0 && steers_the_loader(name))
            return "the environment of " + plan.definition.name + " has " + name + ", which would steer a program of root's before "
                   "it becomes the component's user: remove it";
    if (auto fine = host.forget(service.unit); !fine) return error_text(fine.error());
    if (auto fine = host.start(service); !fine) {
        // A job that took too long goes on without us, and must not.
        (void)end_debuggee_unit(host, service.unit, {}, seconds(0));
        return error_text(fine.error());
    }
    launched result;
    std::string trouble;
    const bool announced = wait_until(patience, [&] {
        const auto text = read_from(files.output, start);
        const auto found = find_announcement(text, by_socket ? std::string_view(files.dlv_socket) : std::string_view());
        if (found.verdict == announcement::answer::elsewhere) {
            trouble = *dlv + " listens at " + std::string(found.address) + ", where others can reach it: it was ended";
            return true;
        }
        if (found.verdict == announcement::answer::accepted) {
            // dlv announces a socket by its bare path.
            auto address = parse_address((by_socket ? "unix:" : "") + std::string(found.address));
            if (!address) trouble = address.error();
            else result.address = *address;
            return true;
        }
        const auto unit = host.state(service.unit);
        if (unit && !unit->is_running()) {
            trouble = explain_failure(spec, read_from(files.output, start), 1, 0);
            return true;
        }
        return false;
    });
    if (!announced) trouble = *dlv + " did not say within " + in_seconds(patience) + " where it listens; its output is in " + files.output;
    if (trouble.empty()) {
        const auto unit = host.state(service.unit);
        if (unit) result.dlv = mark_process(unit->main_pid);
        if (result.dlv.pid == 0) trouble = explain_failure(spec, read_from(files.output, start), 1, 0);
    }
    if (!trouble.empty()) {
        if (auto ended = end_debuggee_unit(host, service.unit, {}, seconds(0)); !ended) trouble += "; " + ended.error();
        return trouble;
    }
    return result;
}

outcome<process_mark> find_debuggee(service_host& host, const std::string& unit, const process_mark& dlv,
                                    const file_identity& checked) {
    const auto all = host.processes(unit);
    if (!all) return error_text(all.error());
    for (const auto pid : *all) {
        process_stat stat;
        if (pid == dlv.pid || !read_stat(pid, stat) || stat.parent != dlv.pid) continue;
        const auto mark = mark_process(pid);
        const unique_fd file(::open(("/proc/" + std::to_string(pid) + "/exe").c_str(), O_RDONLY | O_CLOEXEC));
        const auto identity = file ? identity_of(file.get()) : outcome<file_identity>(std::string("it is gone"));
        if (!identity || mark.pid == 0) continue;
        if (!(*identity == checked))
            return "process " + std::to_string(pid) + " under dlv does not run the file that was checked: the debug "
                   "binary was replaced meanwhile";
        return mark;
    }
    return process_mark{};
}

outcome<process_mark> start_guard(service_host& host, const component_plan& plan, const session_files& files,
                                  const dlv_address& dlv, protocol::class_set ceiling, std::chrono::milliseconds patience) {
    auto control = listen_at(files.control, SOCK_SEQPACKET);
    auto gateway = listen_at(files.gateway, SOCK_STREAM);
    if (!control) return error_text(control.error());
    if (!gateway) return error_text(gateway.error());
    const auto log = files.output + ".guard";
    unique_fd log_file(::open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    int ends[2];
    if (!log_file || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return "no guard for " + plan.definition.name + ": " + std::strerror(errno);
    const unique_fd ours(ends[0]), theirs(ends[1]);

    guard_settings settings;
    settings.control_fd = control->get();
    settings.listen_fd = gateway->get();
    settings.log_fd = log_file.get();
    settings.address = dlv;
    settings.ceiling = ceiling;
    settings.budget = plan.budget;
    settings.duty = plan.budget.duty;
    settings.park_limit = plan.definition.park;
    settings.entry_limit = plan.definition.session_timeout;
    settings.component = plan.definition.name;
    settings.state_file = files.debuggee + "/guard.json";
    if (auto sent = send_guard_settings(ours.get(), settings); !sent) return error_text(sent.error());

    transient_service service;
    service.unit = guard_unit_of(plan.definition.name);
    service.description = "delvegate: guard of " + plan.definition.name;
    service.argv = {own_program(), "guard", "--settings-fd", "0"};
    service.uid = plan.process.uid;
    service.gid = plan.process.gid;
    service.groups = plan.process.groups;
    service.memory_max = guard_memory;
    service.oom_score_adjust = -900;  // it must outlive what it guards
    service.hardened = true;
    service.writable = {files.debuggee};
    service.standard_input = theirs.get();
    if (auto fine = host.forget(service.unit); !fine) return error_text(fine.error());
    if (auto fine = host.start(service); !fine) {
        (void)host.stop(service.unit);
        return error_text(fine.error());
    }

    std::string last = "it has not answered";
    const bool ready = wait_until(patience, [&] {
        const auto answer = ask_guard(files.control, protocol::json(protocol::json::object{{"verb", "status"}}));
        if (!answer) {
            last = answer.error();
            return false;
        }
        // What dlv finds out only after it has begun to listen: a core file of another program.
        if (plan.process.mode != dlv_mode::exec) {
            const auto dlv_unit = host.state(debuggee_unit_of(plan.definition.name));
            if (dlv_unit && !dlv_unit->is_running()) {
                last = "dlv has ended, see " + files.output;
                return true;
            }
        }
        const auto status = read_guard_status(*answer);
        return status && status->state != "unknown";
    });
    const auto unit = host.state(service.unit);
    const auto mark = unit ? mark_process(unit->main_pid) : process_mark{};
    if (!ready || mark.pid == 0 || last.starts_with("dlv has ended")) {
        (void)host.stop(service.unit);
        return "the guard of " + plan.definition.name + " did not come up: " + last + "; its log is " + log;
    }
    return mark;
}

outcome<void> end_debuggee_unit(service_host& host, const std::string& unit, const process_mark& debuggee,
                                std::chrono::milliseconds grace) {
    if (debuggee.pid != 0 && still_running(debuggee)) {
        // Its own handler: leases are released, requests finished. A signal to dlv would kill it instead.
        ::kill(debuggee.pid, SIGTERM);
        wait_until(grace, [&] { return !still_running(debuggee); });
        if (still_running(debuggee)) ::kill(debuggee.pid, SIGKILL);
    }
    if (auto stopped = host.stop(unit); !stopped) {
        (void)host.kill(unit, SIGKILL);
        if (auto again = host.stop(unit); !again) return error_text(again.error());
    }
    (void)host.forget(unit);
    const auto left = host.processes(unit);
    if (!left) return error_text(left.error());
    if (!left->empty())
        return "process " + std::to_string(left->front()) + " of " + unit + " cannot be ended: it hangs in the kernel";
    return {};
}

}  // namespace launcher
