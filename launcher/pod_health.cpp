#include "launcher/pod_health.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "launcher/arguments.h"

namespace launcher {
namespace {

// What listens where unless it is told otherwise.
struct well_known {
    std::string_view program;
    std::uint16_t port;
    bool has_secure_port;  // --secure-port moves it
    std::string_view scheme;
    std::string_view path;
};
constexpr std::array<well_known, 5> components{{
    {"kube-scheduler", 10259, true, "https", "/healthz"},
    {"kube-controller-manager", 10257, true, "https", "/healthz"},
    {"cloud-controller-manager", 10258, true, "https", "/healthz"},
    {"kube-apiserver", 6443, true, "https", "/readyz"},
    {"kube-proxy", 10256, false, "http", "/healthz"},
}};

const well_known* find_component(const std::vector<std::string>& argv) {
    if (argv.empty()) return nullptr;
    const auto program = base_name(argv[0]);
    const auto at = std::find_if(components.begin(), components.end(), [&](const auto& c) { return c.program == program; });
    return at == components.end() ? nullptr : &*at;
}

std::optional<std::uint16_t> port_number(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return port;
}

// A named port is one of the container's own.
std::optional<std::uint16_t> resolve(const pod_container& container, const std::string& port) {
    for (const auto& known : container.ports)
        if (known.name == port) return known.port;
    return port_number(port);
}

// --secure-port, or the component's own; 0 when it is switched off.
std::uint16_t secure_port(const well_known& component, const std::vector<std::string>& argv) {
    if (component.has_secure_port)
        if (const auto given = flag_value(argv, "secure-port"))
            if (const auto port = port_number(*given)) return *port;
    return component.port;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
}

// Where a process that binds there is reached from the node.
std::string reached_at(const std::vector<std::string>& argv, const std::string& otherwise) {
    const auto bind = flag_value(argv, "bind-address");
    if (!bind || bind->empty() || *bind == "0.0.0.0" || *bind == "::") return otherwise;
    return *bind;
}

}  // namespace

std::vector<std::uint16_t> ports_of(const pod_container& container, const std::vector<std::string>& argv) {
    std::vector<std::uint16_t> out;
    const auto add = [&](std::uint16_t port) {
        if (port != 0 && std::find(out.begin(), out.end(), port) == out.end()) out.push_back(port);
    };
    for (const auto& port : container.ports)
        if (port.protocol == "TCP") add(port.port);
    for (const auto* probe : {&container.readiness, &container.liveness, &container.startup})
        if (*probe && (*probe)->how != pod_probe::action::exec) add(resolve(container, (*probe)->port).value_or(0));
    if (const auto* component = find_component(argv)) add(secure_port(*component, argv));
    // The insecure ports of old components: on by default until 1.20, and --port=0 ever since.
    if (const auto given = flag_value(argv, "port")) add(port_number(*given).value_or(0));
    std::sort(out.begin(), out.end());
    return out;
}

health_check health_of(const pod_container& container, const std::vector<std::string>& argv,
                       const std::string& node_address) {
    health_check out;
    for (const auto* probe : {&container.readiness, &container.liveness, &container.startup}) {
        if (!*probe || (*probe)->how != pod_probe::action::http) continue;
        out.port = resolve(container, (*probe)->port).value_or(0);
        if (out.port == 0) continue;
        out.scheme = lower((*probe)->scheme);
        out.path = (*probe)->path;
        if (!out.path.starts_with('/')) out.path.insert(0, "/");
        // The kubelet would ask at the pod's address, which is the node's.
        out.host = !(*probe)->host.empty() ? (*probe)->host
                                           : reached_at(argv, node_address.empty() ? "127.0.0.1" : node_address);
        return out;
    }
    if (const auto* component = find_component(argv)) {
        out.port = secure_port(*component, argv);
        out.scheme = component->scheme;
        out.path = component->path;
        out.host = reached_at(argv, "127.0.0.1");
    }
    return out;
}

}  // namespace launcher
