// What holds where the configuration says nothing and the host decides.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "gateway/config.h"
#include "gateway/status_socket.h"

namespace gateway {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value && *value == '/' ? value : "";
}

}  // namespace

std::string sessions_of(const config& configuration) { return configuration.state_directory + "/sessions"; }

std::vector<host_port> enroll_addresses(const config& configuration) {
    if (!configuration.enroll_listen.empty()) return configuration.enroll_listen;
    std::vector<host_port> out;
    for (const auto& one : configuration.listen)
        if (std::none_of(out.begin(), out.end(), [&one](const auto& other) { return other.host == one.host; }))
            out.push_back({one.host, enroll_port});
    return out;
}

std::string_view to_string(component_config::kind how) {
    switch (how) {
        case component_config::kind::exec: return "exec";
        case component_config::kind::connect: return "connect";
        case component_config::kind::launcher: return "launcher";
    }
    return "exec";
}

std::string default_state_directory() {
    if (::geteuid() == 0) return std::string(node_state_directory);
    if (const std::string state = environment("XDG_STATE_HOME"); !state.empty()) return state + "/delvegate";
    if (const std::string home = environment("HOME"); !home.empty()) return home + "/.local/state/delvegate";
    return "/tmp/delvegate-" + std::to_string(::geteuid());
}

std::string default_runtime_directory() {
    if (::geteuid() == 0) return std::string(node_runtime_directory);
    if (const std::string run = environment("XDG_RUNTIME_DIR"); !run.empty()) return run + "/delvegate";
    return default_state_directory() + "/run";
}

std::string exec_state_directory() { return default_state_directory() + (::geteuid() == 0 ? "/exec" : ""); }

std::string exec_runtime_directory() { return default_runtime_directory() + (::geteuid() == 0 ? "/exec" : ""); }

std::string status_socket_path(const std::string& runtime_directory) { return runtime_directory + "/status.sock"; }

std::string default_config_file() {
    if (::geteuid() == 0) return "/etc/delvegate/gateway.yaml";
    if (const std::string xdg = environment("XDG_CONFIG_HOME"); !xdg.empty()) return xdg + "/delvegate/gateway.yaml";
    const char* home = std::getenv("HOME");
    return std::string(home && *home ? home : "") + "/.config/delvegate/gateway.yaml";
}

}  // namespace gateway
