// Which files a confined gateway still reaches.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "auth/audit_disk.h"
#include "gateway/confinement.h"
#include "gateway/log.h"

namespace gateway {

namespace {

namespace fs = std::filesystem;

constexpr const char* kubernetes = "/etc/kubernetes";

bool is_within(const fs::path& path, const fs::path& directory) {
    const auto from = path.lexically_relative(directory);
    return !from.empty() && *from.begin() != "..";
}

// A file that is replaced is another one: its directory is what stays. Where that would open what is to stay closed,
// the file alone.
void add_file(open_paths& out, const std::string& file, const fs::path& authority) {
    if (file.empty()) return;
    const auto add = [&](const fs::path& path) {
        const auto directory = path.parent_path();
        const auto closed = [&](const fs::path& other) { return is_within(other, directory) || is_within(directory, other); };
        const bool alone = closed(kubernetes) || closed(authority);
        out.read.push_back(alone ? path : directory);
        if (alone && !is_within(path, authority.parent_path())) out.alone.push_back(path);
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
    for (const char* own : {"/gateway.crt", "/gateway.key", "/ca/ca.crt"}) read(configuration.state_directory + own);
    for (const char* system : {"/etc/ssl", "/usr/lib/ssl", "/usr/share/ca-certificates", "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf",
                               "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/passwd", "/etc/group", "/etc/localtime",
                               "/etc/ld.so.cache", "/usr/share/zoneinfo", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/proc/self",
                               "/proc/sys/net", "/sys/devices/system/cpu", "/dev/urandom", "/dev/null"})
        out.read.emplace_back(system);
    std::error_code error;
    if (const auto resolver = fs::canonical("/etc/resolv.conf", error); !error && resolver.parent_path() != "/etc")
        out.read.push_back(resolver.parent_path());

    out.write.push_back(configuration.runtime_directory);
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

launcher::outcome<bool> confine_as_configured(const config& configuration, pid_t signer) {
    if (configuration.confine == confine_mode::off) return false;
    if (const auto why = hindrance_to_confinement(configuration); !why.empty()) {
        log().info("not confined: {}", why);
        return false;
    }
    // Landlock is told of directories that are there.
    if (!configuration.audit.off()) {
        const auto file = audit_file_of(configuration.audit, configuration.state_directory);
        if (auto made = auth::ensure_directory(directory_of(file)); !made) return made.error();
    }
    const auto how = confinement_of(configuration, signer);
    const auto done = confine_gateway(how);
    if (!done) return done.error();
    if (how.landlock)
        for (const auto& file : how.paths.alone)
            log().warn("{} is read again when it is written, not when another file takes its place: its directory is closed to the gateway",
                       file);
    log().info("{}", *done);
    return true;
}

}  // namespace gateway
