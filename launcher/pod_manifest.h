// A static pod's manifest: what of it matters to the process that takes the pod's place.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/yaml_document.h"

namespace launcher {

using string_map = std::map<std::string, std::string, std::less<>>;

// One entry of `env`. Where `from` is not `value`, `value` is empty.
struct pod_variable {
    enum class source { value, field, resource, secret, config_map, file };
    std::string name;
    source from = source::value;
    std::string value;
    std::string reference;  // fieldPath, resource, or "NAME/KEY" of a Secret, ConfigMap or file
    std::string container;  // of a resource; empty: this one
    std::string divisor;    // of a resource; empty: 1
    bool optional = false;  // of a Secret or ConfigMap
};

struct pod_variables_from {  // one entry of `envFrom`
    std::string prefix;
    std::string reference;  // "ConfigMap NAME" or "Secret NAME"
    bool optional = false;
};

struct pod_port {
    std::string name;
    std::uint16_t port = 0;
    std::uint16_t host_port = 0;
    std::string protocol = "TCP";
};

struct pod_mount {
    std::string volume;
    std::string path;
    bool read_only = false;
    std::string sub_path;
    std::string sub_path_expr;
    std::string propagation;
};

struct pod_probe {
    enum class action { http, tcp, grpc, exec };
    action how = action::exec;
    std::string scheme = "HTTP";
    std::string host;
    std::string path;
    std::string port;  // a number or a name of ports[]
    int period = 10;   // seconds
    int failures = 3;
};

struct pod_security {  // of the pod or of a container; absent where not said
    std::optional<std::uint32_t> user;
    std::optional<std::uint32_t> group;
    std::vector<std::uint32_t> supplemental_groups;
    std::optional<std::uint32_t> fs_group;
    std::optional<bool> run_as_non_root;
    bool privileged = false;
    // What else it says, e.g. "capabilities", "seccompProfile": a process on the host does not have it.
    std::vector<std::string> others;
};

struct pod_container {
    std::string name;
    std::string image;
    std::vector<std::string> command;
    std::vector<std::string> args;
    std::vector<pod_variable> env;
    std::vector<pod_variables_from> env_from;
    std::string working_dir;
    std::vector<pod_port> ports;
    std::vector<pod_mount> mounts;
    pod_security security;
    std::optional<pod_probe> liveness, readiness, startup;
    bool post_start = false, pre_stop = false;
    string_map limits, requests;  // resources
    std::string restart_policy;   // of an init container: "Always" is a sidecar
    std::vector<std::string> others;  // fields that are not read here, e.g. "stdin"
};

struct pod_volume {
    enum class source { host_path, empty_dir, other };
    std::string name;
    source from = source::empty_dir;
    std::string path;   // of a hostPath, as it is written
    std::string type;   // of a hostPath, e.g. "FileOrCreate"; empty: nothing is checked
    std::string other;  // "configMap", "secret", …
    bool in_memory = false;  // of an emptyDir
};

struct pod_manifest {
    std::string file;  // as given, for messages and sources
    std::string name;
    std::string name_space = "default";
    std::string uid;  // empty: the kubelet makes one
    string_map labels, annotations;
    std::vector<pod_container> containers, init_containers;
    std::vector<pod_volume> volumes;
    pod_security security;
    bool host_network = false, host_pid = false, host_ipc = false, share_process_namespace = false;
    std::string dns_policy = "ClusterFirst";
    bool dns_config = false, host_aliases = false;
    std::string service_account;
    std::string priority_class;
    std::optional<std::int64_t> grace;  // terminationGracePeriodSeconds
    std::vector<std::string> others;    // of the spec, not read here

    const pod_container* find(std::string_view container) const;
    const pod_volume* volume(std::string_view volume) const;
};

// Reads a manifest and refuses, in one line with the place, what the kubelet would not run.
outcome<pod_manifest> parse_pod_manifest(std::string_view bytes, const std::string& file);

}  // namespace launcher
