// Which files a confined gateway still reaches.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "auth/audit_disk.h"
#include "gateway/confinement.h"
#include "gateway/log.h"
#include "protocol/printable.h"

namespace gateway {

namespace {

namespace fs = std::filesystem;

constexpr const char* kubernetes = "/etc/kubernetes";

bool is_within(const fs::path& path, const fs::path& directory) {
    const auto from = path.lexically_relative(directory);
    return !from.empty() && *from.begin() != "..";
}

// A file that is replaced is another one: its directory is what stays. Where that would open what is to stay closed,
// the file alone; `own` ones are the gateway's and not replaced by anybody while it runs.
void add_file(open_paths& out, const std::string& file, const fs::path& authority, bool own = false) {
    if (file.empty()) return;
    const auto add = [&](const fs::path& path) {
        const auto directory = path.parent_path();
        const auto closed = [&](const fs::path& other) { return is_within(other, directory) || is_within(directory, other); };
        const bool alone = closed(kubernetes) || closed(authority);
        out.read.push_back(alone ? path : directory);
        if (alone && !own) out.alone.push_back(path);
    };
    add(file);
    std::error_code error;
    const auto real = fs::canonical(file, error);
    if (!error && real != file) add(real);
    if (!error && fs::is_directory(real, error)) out.read.push_back(real);
}

// Below the first port that anybody may take.
bool is_privileged(std::uint16_t port) {
    int first = 1024;
    std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first;
    return port != 0 && port < first;
}

std::string directory_of(const std::string& file) { return fs::path(file).parent_path(); }

}  // namespace

std::string hindrance_to_confinement(const config& configuration) {
    for (const auto& one : configuration.components) {
        if (one.how == component_config::kind::exec)
            return "component " + one.name + " is of kind exec: its dlv is the gateway's child and would be confined with it. Let the "
                   "launcher run it (kind launcher), or start its dlv elsewhere (kind connect)";
        if (one.how == component_config::kind::connect && ::geteuid() == 0)
            return "component " + one.name + " is of kind connect, and the gateway runs as root: without capabilities it could not see "
                   "whose dlv it is. Run the gateway as a user of its own, such as delvegate";
    }
    for (const auto& where : enroll_addresses(configuration))
        if (is_privileged(where.port))
            return "enrollListen " + to_string(where) + " is a port that only a privileged process may open later. Give one from 1024 on";
    return {};
}

std::string hole_in_confinement(const config& configuration) {
    // Without Landlock nothing is closed anyway (kind connect).
    if (!confinement_of(configuration, 0).landlock) return {};
    const auto real = [](const std::string& path) {
        std::error_code error;
        auto out = fs::weakly_canonical(path, error);
        return error ? fs::path(path) : out;
    };
    const std::string authority = configuration.state_directory + "/ca";
    for (const auto& directory : paths_of(configuration).write)
        for (const auto& closed : {authority, std::string(kubernetes)})
            if (is_within(real(closed), real(directory)) || is_within(real(directory), real(closed)))
                return directory + ", where it writes, " +
                       (is_within(real(closed), real(directory)) ? "holds " : "lies in ") + closed +
                       ", which must stay closed to it. Put auditFile, auditAnchors and runtimeDirectory in directories of their own";
    for (const auto& one : configuration.components)
        for (const auto& closed : {authority, std::string(kubernetes)})
            if (!one.sources.empty() && (is_within(real(closed), real(one.sources)) || is_within(real(one.sources), real(closed))))
                return "sources of " + one.name + ", " + one.sources + ", are not apart from " + closed +
                       ", which must stay closed to it. Give the directory of a checkout alone";
    return {};
}

open_paths paths_of(const config& configuration) {
    open_paths out;
    const fs::path authority = configuration.state_directory + "/ca";
    const auto read = [&](const std::string& file) { add_file(out, file, authority); };
    for (const auto& file : {configuration.certificate, configuration.key, configuration.client_ca, configuration.revocations,
                             configuration.policy})
        read(file);
    for (const auto& file : configuration.client_crls) read(file);
    for (const auto& ca : configuration.client_cas) {
        read(ca.file);
        for (const auto& file : ca.crls) read(file);
    }
    for (const auto& one : configuration.components)
        if (!one.sources.empty()) out.read.push_back(one.sources);
    for (const char* own : {"/gateway.crt", "/gateway.key", "/ca/ca.crt"})
        add_file(out, configuration.state_directory + own, authority, true);
    for (const char* system : {"/etc/ssl", "/usr/lib/ssl", "/usr/share/ca-certificates", "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf",
                               "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/passwd", "/etc/group", "/etc/localtime",
                               "/etc/ld.so.cache", "/usr/share/zoneinfo", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/proc/self",
                               "/proc/sys/net", "/sys/devices/system/cpu", "/dev/urandom", "/dev/null"})
        out.read.emplace_back(system);
    std::error_code error;
    if (const auto resolver = fs::canonical("/etc/resolv.conf", error); !error && resolver.parent_path() != "/etc")
        out.read.push_back(resolver.parent_path());

    out.write.push_back(configuration.runtime_directory);
    out.write.push_back(sessions_of(configuration));
    if (!configuration.audit.off()) {
        out.write.push_back(directory_of(audit_file_of(configuration.audit, configuration.state_directory)));
        const auto& anchors = configuration.audit.anchors;
        if (anchors.starts_with('/')) out.write.push_back(directory_of(anchors));
    }
    return out;
}

confinement confinement_of(const config& configuration, pid_t signer) {
    const bool foreign = std::ranges::any_of(configuration.components,
                                             [](const auto& one) { return one.how == component_config::kind::connect; });
    return {paths_of(configuration), !foreign, signer};
}

std::string confined::text() const {
    if (!calls) return "not confined: " + why;
    return "confined: no capabilities, system calls by seccomp, " +
           (landlock > 0 ? "files by Landlock " + std::to_string(landlock) + (why.empty() ? "" : ", but " + why) : why);
}

protocol::json confined::describe() const {
    protocol::json out = protocol::json::object{{"systemCalls", calls}, {"files", landlock > 0 && why.empty()}};
    if (!why.empty()) out.set("why", why);
    return out;
}

std::string confinement_text(const protocol::json& described) {
    const auto why = protocol::printable(described.get_string("why"));
    if (why.empty()) return {};
    return (described.get_bool("systemCalls") ? "confined, but " : "not confined: ") + why + "\n";
}

launcher::outcome<confined> confine_as_configured(const config& configuration, pid_t signer) {
    using result = launcher::outcome<confined>;
    confined none;
    if (configuration.confine == confine_mode::off) none.why = "confine is off";
    if (none.why.empty()) none.why = none.lacking = hindrance_to_confinement(configuration);
    if (!none.why.empty()) {
        if (!none.lacking.empty()) log().warn("{}", none.text());
        return result(boost::system::in_place_value, std::move(none));
    }
    // Landlock is told of directories that are there.
    if (!configuration.audit.off()) {
        const auto file = audit_file_of(configuration.audit, configuration.state_directory);
        if (auto made = auth::ensure_directory(directory_of(file)); !made) return made.error();
    }
    auto how = confinement_of(configuration, signer);
    how.whole = configuration.confine == confine_mode::on;
    const auto hole = hole_in_confinement(configuration);
    auto done = confine_gateway(how);
    if (!done) return done;
    if (done->why.empty() && !hole.empty()) done->why = done->lacking = hole;
    if (done->landlock > 0)
        for (const auto& file : how.paths.alone)
            log().warn("{} is read again when it is written, not when another file takes its place: its directory is closed to the gateway",
                       file);
    if (done->lacking.empty())
        log().info("{}", done->text());
    else
        log().warn("{}", done->text());
    return done;
}

}  // namespace gateway
