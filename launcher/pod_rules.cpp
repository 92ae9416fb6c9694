// What the API checks of names, and of a pod as a whole.
#include <algorithm>
#include <set>

#include "launcher/pod_reading.h"

namespace launcher::pod_reading {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_inner(char c) { return is_lower(c) || is_digit(c) || c == '-'; }

bool is_label_text(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), is_inner) && name.front() != '-' && name.back() != '-';
}

class whole_check {
public:
    whole_check(const pod_manifest& manifest, const yaml_field& spec) : manifest_(manifest), spec_(spec) {}

    void run() {
        names(manifest_.volumes, "volumes");
        std::set<std::string> seen;
        for (const auto& list : {std::pair{&manifest_.init_containers, "initContainers"}, {&manifest_.containers, "containers"}})
            for (std::size_t i = 0; i < list.first->size(); ++i) {
                const auto& c = (*list.first)[i];
                const auto field = spec_.list_of(list.second)[i];
                if (!seen.insert(c.name).second) field.fail("has the name of another container: " + c.name);
                container(c, field);
            }
    }

private:
    template <class Items>
    void names(const Items& items, const char* key) {
        std::set<std::string> seen;
        for (std::size_t i = 0; i < items.size(); ++i)
            if (!seen.insert(items[i].name).second) spec_.list_of(key)[i].fail("has the name of another one: " + items[i].name);
    }

    void container(const pod_container& c, const yaml_field& field) {
        std::set<std::string> paths;
        for (const auto& mount : c.mounts) {
            if (!manifest_.volume(mount.volume)) field.fail("mounts a volume that is not there: " + mount.volume);
            if (!paths.insert(mount.path).second) field.fail("mounts two volumes at " + mount.path);
        }
        std::set<std::string> ports;
        for (const auto& port : c.ports) {
            if (!port.name.empty() && !ports.insert(port.name).second) field.fail("has two ports called " + port.name);
            if (manifest_.host_network && port.host_port != 0 && port.host_port != port.port)
                field.fail("has a hostPort other than its containerPort, and the host's network");
        }
        for (const auto* probe : {&c.liveness, &c.readiness, &c.startup})
            if (*probe && (*probe)->how != pod_probe::action::exec && !is_digit((*probe)->port.front()) &&
                !ports.contains((*probe)->port))
                field.fail("has a probe of a port that it has not: " + (*probe)->port);
        for (const auto& variable : c.env)
            if (variable.from == pod_variable::source::resource && !variable.container.empty() &&
                !manifest_.find(variable.container))
                field.fail("takes " + variable.name + " from a container that is not there: " + variable.container);
    }

    const pod_manifest& manifest_;
    const yaml_field& spec_;
};

}  // namespace

bool is_label(std::string_view name) { return name.size() <= 63 && is_label_text(name); }

bool is_subdomain(std::string_view name) {
    if (name.size() > 253) return false;
    for (std::size_t at = 0; at <= name.size();) {
        const auto dot = std::min(name.find('.', at), name.size());
        if (!is_label_text(name.substr(at, dot - at))) return false;
        at = dot + 1;
    }
    return true;
}

bool is_port_name(std::string_view name) {
    return name.size() <= 15 && is_label_text(name) && std::any_of(name.begin(), name.end(), is_lower) &&
           name.find("--") == std::string_view::npos;
}

// Since Kubernetes 1.34 any printable ASCII but '='; which kubelet reads it is not known here.
bool is_variable(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~' && c != '='; });
}

void check_whole(const pod_manifest& manifest, const yaml_field& spec) { whole_check(manifest, spec).run(); }

}  // namespace launcher::pod_reading
