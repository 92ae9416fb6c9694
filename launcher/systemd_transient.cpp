// StartTransientUnit: a service from values, without a file.
#include <sys/mount.h>
#include <unistd.h>

#include <string_view>

#include "launcher/private_file.h"
#include "launcher/systemd_bus.h"
#include "launcher/systemd_manager.h"

namespace launcher {

namespace {

using namespace systemd_bus;

// The list of properties being written; remembers the first failure.
class property_list {
public:
    explicit property_list(sd_bus_message* message) : message_(message) {}

    template <class... Values>
    void add(const char* name, const char* type, Values... values) {
        keep(sd_bus_message_append(message_, "(sv)", name, type, values...));
    }
    void add_strings(const char* name, const std::vector<std::string>& values) {
        open(name, "as");
        keep(sd_bus_message_open_container(message_, 'a', "s"));
        for (const auto& value : values) keep(sd_bus_message_append(message_, "s", value.c_str()));
        keep(sd_bus_message_close_container(message_));
        close();
    }
    // Exactly these (true), as systemd has it.
    void add_families(const char* name, const std::vector<std::string>& values) {
        open(name, "(bas)");
        keep(sd_bus_message_open_container(message_, 'r', "bas"));
        keep(sd_bus_message_append(message_, "b", 1));
        keep(sd_bus_message_open_container(message_, 'a', "s"));
        for (const auto& value : values) keep(sd_bus_message_append(message_, "s", value.c_str()));
        keep(sd_bus_message_close_container(message_));
        keep(sd_bus_message_close_container(message_));
        close();
    }
    void add_mounts(const char* name, const std::vector<bind_mount>& mounts, bool read_only) {
        open(name, "a(ssbt)");
        keep(sd_bus_message_open_container(message_, 'a', "(ssbt)"));
        for (const auto& mount : mounts)
            if (mount.read_only == read_only)
                keep(sd_bus_message_append(message_, "(ssbt)", mount.source.c_str(), mount.target.c_str(), 0,
                                           static_cast<std::uint64_t>(MS_REC)));
        keep(sd_bus_message_close_container(message_));
        close();
    }
    void add_environment_file(const std::string& path) {
        open("EnvironmentFiles", "a(sb)");
        keep(sd_bus_message_append(message_, "a(sb)", 1, path.c_str(), 0));
        close();
    }
    void add_command(const char* name, const std::vector<std::string>& argv) {
        open(name, "a(sasas)");
        keep(sd_bus_message_open_container(message_, 'a', "(sasas)"));
        keep(sd_bus_message_open_container(message_, 'r', "sasas"));
        keep(sd_bus_message_append(message_, "s", argv.front().c_str()));
        keep(sd_bus_message_open_container(message_, 'a', "s"));
        for (const auto& word : argv) keep(sd_bus_message_append(message_, "s", word.c_str()));
        keep(sd_bus_message_close_container(message_));
        keep(sd_bus_message_append(message_, "as", 1, "no-env-expand"));
        keep(sd_bus_message_close_container(message_));
        keep(sd_bus_message_close_container(message_));
        close();
    }
    bool fine() const { return fine_; }

private:
    void open(const char* name, const char* type) {
        keep(sd_bus_message_open_container(message_, 'r', "sv"));
        keep(sd_bus_message_append(message_, "s", name));
        keep(sd_bus_message_open_container(message_, 'v', type));
    }
    void close() {
        keep(sd_bus_message_close_container(message_));
        keep(sd_bus_message_close_container(message_));
    }
    void keep(int r) { fine_ = fine_ && r >= 0; }

    sd_bus_message* message_;
    bool fine_ = true;
};

constexpr const char* setpriv = "/usr/bin/setpriv";  // util-linux

// As systemd.exec(5) reads it: within double quotes \ " $ and ` are escaped, a line may end, and all else is itself.
std::string environment_text(const transient_service& service) {
    std::string out;
    for (const auto& [name, value] : service.environment) {
        out += name + "=\"";
        for (const char c : value) {
            if (c == '\\' || c == '"' || c == '$' || c == '`') out += '\\';
            out += c;
        }
        out += "\"\n";
    }
    return out;
}

std::uint64_t usec(std::chrono::microseconds time) { return static_cast<std::uint64_t>(time.count()); }

bool is_plain_root(const transient_service& service) {
    return service.uid == 0 && service.gid == 0 &&
           (service.groups.empty() || service.groups == std::vector<gid_t>{0});
}

// User= wants an account, adds the groups that the account has, and sets HOME and others. A container's user has none
// of these, so setpriv becomes it by the numbers, and exec's what follows in the same process.
std::vector<std::string> with_identity(const transient_service& service) {
    if (is_plain_root(service)) return service.argv;
    std::vector<std::string> argv{setpriv, "--reuid=" + std::to_string(service.uid), "--regid=" + std::to_string(service.gid)};
    std::string groups;
    for (const auto group : service.groups) groups += (groups.empty() ? "" : ",") + std::to_string(group);
    argv.push_back(groups.empty() ? "--clear-groups" : "--groups=" + groups);
    if (service.sealed) argv.insert(argv.end(), {"--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"});
    argv.emplace_back("--");
    argv.insert(argv.end(), service.argv.begin(), service.argv.end());
    return argv;
}

void add_limits(property_list& list, const transient_service& service) {
    if (service.memory_max != 0) {
        list.add("MemoryMax", "t", service.memory_max);
        list.add("MemorySwapMax", "t", std::uint64_t{0});
        // A debuggee without its dlv, or the reverse, would be of no use.
        list.add("OOMPolicy", "s", "kill");
    }
    if (service.oom_score_adjust) list.add("OOMScoreAdjust", "i", *service.oom_score_adjust);
    if (service.limit_nofile) {
        list.add("LimitNOFILE", "t", *service.limit_nofile);
        list.add("LimitNOFILESoft", "t", *service.limit_nofile);
    }
    if (service.umask) list.add("UMask", "u", static_cast<std::uint32_t>(*service.umask));
    list.add("TasksMax", "t", no_limit);
}

constexpr std::uint64_t cap_setgid = 1ull << 6, cap_setuid = 1ull << 7;

void add_hardening(property_list& list, const transient_service& service) {
    for (const char* on : {"NoNewPrivileges", "PrivateDevices", "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs",
                           "ProtectControlGroups", "ProtectClock", "ProtectHostname", "RestrictRealtime", "RestrictSUIDSGID",
                           "LockPersonality", "MemoryDenyWriteExecute"})
        list.add(on, "b", 1);
    list.add("ProtectSystem", "s", "strict");
    const auto& program = service.argv.front();
    const bool at_home = program.starts_with("/home/") || program.starts_with("/root/") || program.starts_with("/run/user/");
    list.add("ProtectHome", "s", at_home ? "read-only" : "yes");
    list.add_strings("ReadWritePaths", service.writable);
    list.add("CapabilityBoundingSet", "t", is_plain_root(service) ? 0 : cap_setgid | cap_setuid);
    list.add("RestrictNamespaces", "t", std::uint64_t{0});
    list.add_families("RestrictAddressFamilies", {"AF_UNIX", "AF_INET", "AF_INET6"});
    list.add_strings("SystemCallArchitectures", {"native"});
    list.add("UMask", "u", std::uint32_t{0077});
}

bool below(const std::string& path, std::string_view directory) {
    return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

void add_seal(property_list& list, const transient_service& service) {
    const auto& seal = *service.sealed;
    list.add("NoNewPrivileges", "b", 1);
    // setpriv needs three to become the user, and keeps none.
    constexpr std::uint64_t setgid = 1u << 6, setuid = 1u << 7, setpcap = 1u << 8;
    list.add("CapabilityBoundingSet", "t", is_plain_root(service) ? std::uint64_t{0} : setgid | setuid | setpcap);
    list.add("PrivateNetwork", "b", seal.network ? 0 : 1);
    list.add("ProtectSystem", "s", "strict");
    list.add("ProtectHome", "s", "tmpfs");
    list.add("PrivateTmp", "b", 1);
    if (!seal.writable.empty()) list.add_strings("ReadWritePaths", seal.writable);
    std::vector<bind_mount> hidden;  // but for these
    for (const auto& path : seal.readable)
        for (const std::string_view directory : {"/home", "/root", "/run/user", "/tmp", "/var/tmp"})
            if (below(path, directory)) hidden.push_back({path, path, true});
    if (!hidden.empty()) list.add_mounts("BindReadOnlyPaths", hidden, true);
}

void add_all(property_list& list, const transient_service& service) {
    list.add("Description", "s", service.description.c_str());
    list.add("Type", "s", "exec");
    list.add("CollectMode", "s", "inactive-or-failed");
    list.add("KillMode", "s", service.kill_mode.c_str());
    list.add("TimeoutStopUSec", "t", usec(service.timeout_stop));
    list.add_command("ExecStartEx", with_identity(service));
    std::vector<std::string> environment;
    for (const auto& [name, value] : service.environment) environment.push_back(name + "=" + value);
    if (!service.environment_file.empty()) list.add_environment_file(service.environment_file);
    else if (!environment.empty()) list.add_strings("Environment", environment);
    list.add("WorkingDirectory", "s", service.working_directory.c_str());
    add_limits(list, service);
    if (!service.mounts.empty()) {
        list.add("PrivateMounts", "b", 1);
        list.add_mounts("BindPaths", service.mounts, false);
        list.add_mounts("BindReadOnlyPaths", service.mounts, true);
    }
    if (service.hardened) add_hardening(list, service);
    if (service.sealed) add_seal(list, service);
    if (!service.slice.empty()) list.add("Slice", "s", service.slice.c_str());
    if (!service.after.empty()) list.add_strings("After", service.after);
    if (!service.runtime_directory.empty()) {
        list.add_strings("RuntimeDirectory", {service.runtime_directory});
        list.add("RuntimeDirectoryMode", "u", std::uint32_t{0700});
        if (!is_plain_root(service))
            list.add_command("ExecStartPreEx",
                             {"/bin/chown", std::to_string(service.uid) + ":" + std::to_string(service.gid),
                              "/run/" + service.runtime_directory});
    }
    if (service.standard_input >= 0) list.add("StandardInputFileDescriptor", "h", service.standard_input);
    if (!service.output_file.empty()) {
        list.add("StandardOutputFileToAppend", "s", service.output_file.c_str());
        list.add("StandardErrorFileToAppend", "s", service.output_file.c_str());
    }
}

}  // namespace

outcome<void> systemd_manager::start_transient(const transient_service& service, std::chrono::milliseconds deadline) {
    const auto& unit = service.unit;
    const auto fault = [&](const std::string& why) { return unit + " could not be started: " + why; };
    if (auto fine = check_unit_name(unit); !fine) return fine;
    if (service.argv.empty() || !service.argv.front().starts_with('/'))
        return fault("its program's path is not absolute");
    for (const auto& mount : service.mounts)
        if (!mount.source.starts_with('/') || !mount.target.starts_with('/'))
            return fault("the mount of \"" + mount.source + "\" at \"" + mount.target + "\" has a path that is not absolute");

    if (!is_plain_root(service) && ::access(setpriv, X_OK) != 0)
        return fault(std::string(setpriv) + " is not there, which is needed to run it as another user: install util-linux");

    if (!service.environment_file.empty())
        if (auto kept = write_private_file(service.environment_file, environment_text(service), ::geteuid(), ::getegid()); !kept)
            return fault(kept.error());
    auto bus = systemd_bus::open(scope_);
    if (!bus) return fault(bus.error());
    job_watch jobs;
    if (auto fine = jobs.begin(bus->get()); !fine) return fault(fine.error());
    auto request = new_call(bus->get(), "StartTransientUnit");
    if (!request) return fault("the request could not be built");
    auto* message = request.get();
    bool built = sd_bus_message_append(message, "ss", unit.c_str(), "fail") >= 0 &&
                 sd_bus_message_open_container(message, 'a', "(sv)") >= 0;
    property_list list(message);
    add_all(list, service);
    built = built && list.fine() && sd_bus_message_close_container(message) >= 0 &&
            sd_bus_message_append(message, "a(sa(sv))", 0) >= 0;
    // D-Bus carries UTF-8 only, and no NUL.
    if (!built)
        return fault("an argument, variable or path of it cannot be given to systemd, which takes UTF-8 only");

    const auto answer = call(bus->get(), message);
    if (!answer.message) {
        if (answer.is("UnitExists"))
            return fault("a unit of that name is there already; look at " + systemctl(scope_) + " status " + unit);
        return fault(answer.error);
    }
    const char* job = nullptr;
    if (sd_bus_message_read(answer.message.get(), "o", &job) < 0) return fault("systemd's answer is not understood");
    const auto result = jobs.await(bus->get(), job, deadline);
    if (!result) return fault(result.error());
    if (*result == "done") return {};
    if (result->empty())
        return fault("not within " +
                     std::to_string(std::chrono::duration_cast<std::chrono::seconds>(deadline).count()) +
                     " s; look at " + systemctl(scope_) + " status " + unit);
    return fault("systemd's job ended with \"" + *result + "\"; " + journalctl(scope_) + " -u " + unit + " says why");
}

}  // namespace launcher
