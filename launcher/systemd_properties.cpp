// A unit's properties, all in one answer.
#include <map>
#include <string_view>

#include "launcher/failed.h"
#include "launcher/systemd_bus.h"
#include "launcher/systemd_manager.h"

namespace launcher {

namespace {

using namespace systemd_bus;

bool read(sd_bus_message* message, std::string& into) {
    const char* text = nullptr;
    const bool fine = sd_bus_message_read_basic(message, 's', &text) > 0;
    if (fine) into = text;
    return fine;
}

bool read(sd_bus_message* message, bool& into) {
    int value = 0;
    const bool fine = sd_bus_message_read_basic(message, 'b', &value) > 0;
    if (fine) into = value != 0;
    return fine;
}

bool read(sd_bus_message* message, std::uint64_t& into) { return sd_bus_message_read_basic(message, 't', &into) > 0; }
bool read(sd_bus_message* message, std::int32_t& into) { return sd_bus_message_read_basic(message, 'i', &into) > 0; }

bool read(sd_bus_message* message, std::vector<std::string>& into) { return read_strings(message, into); }

bool read_pid(sd_bus_message* message, pid_t& into) {
    std::uint32_t value = 0;
    const bool fine = sd_bus_message_read_basic(message, 'u', &value) > 0;
    if (fine) into = static_cast<pid_t>(value);
    return fine;
}

bool read_id(sd_bus_message* message, std::string& into) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    if (sd_bus_message_read_array(message, 'y', &bytes, &size) < 0) return false;
    into.clear();
    for (std::size_t i = 0; i < size; ++i) {
        constexpr char digits[] = "0123456789abcdef";
        const auto byte = static_cast<const unsigned char*>(bytes)[i];
        into += {digits[byte >> 4], digits[byte & 15]};
    }
    return true;
}

bool read(sd_bus_message* message, syscall_filter& into) {
    int allow = 0;
    if (sd_bus_message_enter_container(message, 'r', "bas") < 0 || sd_bus_message_read_basic(message, 'b', &allow) <= 0 ||
        !read_strings(message, into.names))
        return false;
    into.allow_list = allow != 0;
    return sd_bus_message_exit_container(message) >= 0;
}

bool read(sd_bus_message* message, std::vector<environment_file>& into) {
    if (sd_bus_message_enter_container(message, 'a', "(sb)") < 0) return false;
    const char* path = nullptr;
    int optional = 0, r = 0;
    while ((r = sd_bus_message_read(message, "(sb)", &path, &optional)) > 0) into.push_back({path, optional != 0});
    return r == 0 && sd_bus_message_exit_container(message) >= 0;
}

bool read(sd_bus_message* message, std::vector<exec_line>& into) {
    constexpr const char* inside = "sasasttttuii";
    if (sd_bus_message_enter_container(message, 'a', "(sasasttttuii)") < 0) return false;
    int r = 0;
    while ((r = sd_bus_message_enter_container(message, 'r', inside)) > 0) {
        exec_line line;
        if (!read(message, line.path) || !read_strings(message, line.argv) || !read_strings(message, line.flags) ||
            sd_bus_message_skip(message, "ttttuii") < 0 || sd_bus_message_exit_container(message) < 0)
            return false;
        into.push_back(std::move(line));
    }
    return r == 0 && sd_bus_message_exit_container(message) >= 0;
}

bool read_load_error(sd_bus_message* message, std::string& into) {
    const char *name = nullptr, *words = nullptr;
    if (sd_bus_message_read(message, "(ss)", &name, &words) < 0) return false;
    into = words;
    return true;
}

struct field {
    const char* type;
    bool (*read)(sd_bus_message*, unit_properties&);
};

template <auto member>
bool into(sd_bus_message* message, unit_properties& unit) {
    return read(message, unit.*member);
}

using unit = unit_properties;
constexpr const char* exec_type = "a(sasasttttuii)";

const std::map<std::string_view, field>& fields() {
    static const std::map<std::string_view, field> all{
        {"Id", {"s", into<&unit::id>}},
        {"LoadState", {"s", into<&unit::load_state>}},
        {"LoadError", {"(ss)", [](auto* m, auto& u) { return read_load_error(m, u.load_error); }}},
        {"ActiveState", {"s", into<&unit::active_state>}},
        {"SubState", {"s", into<&unit::sub_state>}},
        {"FragmentPath", {"s", into<&unit::fragment_path>}},
        {"DropInPaths", {"as", into<&unit::drop_in_paths>}},
        {"TriggeredBy", {"as", into<&unit::triggered_by>}},
        {"OnFailure", {"as", into<&unit::on_failure>}},
        {"NeedDaemonReload", {"b", into<&unit::need_daemon_reload>}},
        {"Transient", {"b", into<&unit::transient>}},
        {"InvocationID", {"ay", [](auto* m, auto& u) { return read_id(m, u.invocation_id); }}},
        {"Type", {"s", into<&unit::type>}},
        {"Result", {"s", into<&unit::result>}},
        {"MainPID", {"u", [](auto* m, auto& u) { return read_pid(m, u.main_pid); }}},
        {"ExecStartEx", {exec_type, into<&unit::exec_start>}},
        {"ExecStartPreEx", {exec_type, into<&unit::exec_start_pre>}},
        {"ExecStartPostEx", {exec_type, into<&unit::exec_start_post>}},
        {"ExecStopEx", {exec_type, into<&unit::exec_stop>}},
        {"ExecStopPostEx", {exec_type, into<&unit::exec_stop_post>}},
        {"ExecReloadEx", {exec_type, into<&unit::exec_reload>}},
        {"Environment", {"as", into<&unit::environment>}},
        {"EnvironmentFiles", {"a(sb)", into<&unit::environment_files>}},
        {"PassEnvironment", {"as", into<&unit::pass_environment>}},
        {"UnsetEnvironment", {"as", into<&unit::unset_environment>}},
        {"WorkingDirectory", {"s", into<&unit::working_directory>}},
        {"User", {"s", into<&unit::user>}},
        {"Group", {"s", into<&unit::group>}},
        {"SupplementaryGroups", {"as", into<&unit::supplementary_groups>}},
        {"KillMode", {"s", into<&unit::kill_mode>}},
        {"Restart", {"s", into<&unit::restart>}},
        {"NotifyAccess", {"s", into<&unit::notify_access>}},
        {"PIDFile", {"s", into<&unit::pid_file>}},
        {"WatchdogUSec", {"t", into<&unit::watchdog_usec>}},
        {"TimeoutStopUSec", {"t", into<&unit::timeout_stop_usec>}},
        {"RuntimeMaxUSec", {"t", into<&unit::runtime_max_usec>}},
        {"ControlGroup", {"s", into<&unit::control_group>}},
        {"MemoryMax", {"t", into<&unit::memory_max>}},
        {"MemoryHigh", {"t", into<&unit::memory_high>}},
        {"MemoryCurrent", {"t", into<&unit::memory_current>}},
        {"TasksMax", {"t", into<&unit::tasks_max>}},
        {"LimitNOFILE", {"t", into<&unit::limit_nofile>}},
        {"OOMScoreAdjust", {"i", into<&unit::oom_score_adjust>}},
        {"SystemCallFilter", {"(bas)", into<&unit::syscalls>}},
        {"RestrictAddressFamilies", {"(bas)", into<&unit::address_families>}},
        {"ProtectHome", {"s", into<&unit::protect_home>}},
        {"ProtectSystem", {"s", into<&unit::protect_system>}},
        {"ProtectProc", {"s", into<&unit::protect_proc>}},
        {"ProcSubset", {"s", into<&unit::proc_subset>}},
        {"RootDirectory", {"s", into<&unit::root_directory>}},
        {"RootImage", {"s", into<&unit::root_image>}},
        {"ReadOnlyPaths", {"as", into<&unit::read_only_paths>}},
        {"InaccessiblePaths", {"as", into<&unit::inaccessible_paths>}},
        {"NoExecPaths", {"as", into<&unit::no_exec_paths>}},
        {"NoNewPrivileges", {"b", into<&unit::no_new_privileges>}},
        {"PrivateTmp", {"b", into<&unit::private_tmp>}},
        {"PrivateNetwork", {"b", into<&unit::private_network>}},
        {"PrivateUsers", {"b", into<&unit::private_users>}},
        {"DynamicUser", {"b", into<&unit::dynamic_user>}},
        {"RemainAfterExit", {"b", into<&unit::remain_after_exit>}},
        {"Delegate", {"b", into<&unit::delegate>}},
        {"CapabilityBoundingSet", {"t", into<&unit::capability_bounding_set>}},
    };
    return all;
}

bool read_all(sd_bus_message* message, unit_properties& result) {
    if (sd_bus_message_enter_container(message, 'a', "{sv}") < 0) return false;
    int r = 0;
    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        const char* name = nullptr;
        if (sd_bus_message_read_basic(message, 's', &name) <= 0) return false;
        const auto it = fields().find(name);
        if (it == fields().end()) {
            if (sd_bus_message_skip(message, "v") < 0) return false;
        } else if (sd_bus_message_enter_container(message, 'v', it->second.type) < 0 ||
                   !it->second.read(message, result) || sd_bus_message_exit_container(message) < 0) {
            return false;
        }
        if (sd_bus_message_exit_container(message) < 0) return false;
    }
    return r == 0;
}

}  // namespace

bool exec_line::has(const std::string& flag) const {
    for (const auto& mine : flags)
        if (mine == flag) return true;
    return false;
}

outcome<unit_properties> systemd_manager::properties(const std::string& unit) {
    const auto fault = [&](const std::string& why) {
        return failed<unit_properties>("systemd does not tell what " + unit + " is: " + why);
    };
    if (auto fine = check_unit_name(unit); !fine) return failed<unit_properties>(fine.error());
    auto bus = systemd_bus::open(scope_);
    if (!bus) return fault(bus.error());
    auto request = new_call(bus->get(), "LoadUnit");
    if (request) sd_bus_message_append(request.get(), "s", unit.c_str());
    const auto loaded = call(bus->get(), request.get());
    const char* path = nullptr;
    if (!loaded.message) return fault(loaded.error);
    if (sd_bus_message_read(loaded.message.get(), "o", &path) < 0) return fault("its answer is not understood");

    auto all = new_call(bus->get(), "GetAll", path, "org.freedesktop.DBus.Properties");
    if (all) sd_bus_message_append(all.get(), "s", "");  // of every interface it has
    const auto answer = call(bus->get(), all.get());
    if (!answer.message) return fault(answer.error);
    unit_properties result;
    if (!read_all(answer.message.get(), result)) return fault("its answer is not understood");
    return result;
}

outcome<bool> systemd_manager::unit_exists(const std::string& unit) {
    const auto found = properties(unit);
    if (!found) return failed<bool>(found.error());
    return found->load_state != "not-found";
}

}  // namespace launcher
