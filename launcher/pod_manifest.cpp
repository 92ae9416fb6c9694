#include "launcher/pod_manifest.h"

#include "launcher/pod_reading.h"

namespace launcher {
namespace {

using namespace pod_reading;

void read_metadata(const yaml_field& metadata, pod_manifest& out) {
    const auto name = metadata.need("name");
    out.name = name.text();
    if (!is_subdomain(out.name)) name.fail("is no name of a pod (lower case letters, digits, '-' and '.')");
    if (const auto space = metadata.get("namespace")) {
        out.name_space = space->text();
        if (out.name_space.empty()) out.name_space = "default";
        if (!is_label(out.name_space)) space->fail("is no name of a namespace");
    }
    out.uid = metadata.text_of("uid");
    if (const auto labels = metadata.get("labels")) out.labels = labels->text_map();
    if (const auto annotations = metadata.get("annotations")) out.annotations = annotations->text_map();
}

void read_spec(const yaml_field& spec, pod_manifest& out) {
    for (const auto& item : spec.list_of("containers")) out.containers.push_back(read_container(item));
    for (const auto& item : spec.list_of("initContainers")) out.init_containers.push_back(read_container(item));
    for (const auto& item : spec.list_of("volumes")) out.volumes.push_back(read_volume(item));
    if (out.containers.empty()) spec.fail("has no containers");
    if (const auto security = spec.get("securityContext")) out.security = read_security(*security);
    out.host_network = spec.truth_of("hostNetwork");
    out.host_pid = spec.truth_of("hostPID");
    out.host_ipc = spec.truth_of("hostIPC");
    out.share_process_namespace = spec.truth_of("shareProcessNamespace");
    if (const auto policy = spec.get("dnsPolicy")) {
        out.dns_policy = policy->text();
        if (out.dns_policy != "ClusterFirst" && out.dns_policy != "ClusterFirstWithHostNet" &&
            out.dns_policy != "Default" && out.dns_policy != "None")
            policy->fail("is no policy that there is");
    }
    out.dns_config = spec.get("dnsConfig").has_value();
    out.host_aliases = !spec.list_of("hostAliases").empty();
    out.service_account = spec.text_of("serviceAccountName", spec.text_of("serviceAccount"));
    out.priority_class = spec.text_of("priorityClassName");
    if (const auto grace = spec.get("terminationGracePeriodSeconds")) out.grace = grace->integer(0, 1'000'000'000);
    out.others = spec.others(
        {"containers",      "initContainers",   "volumes",           "securityContext",      "hostNetwork",
         "hostPID",         "hostIPC",          "shareProcessNamespace", "dnsPolicy",        "dnsConfig",
         "hostAliases",     "serviceAccountName", "serviceAccount",  "automountServiceAccountToken", "priority",
         "priorityClassName", "preemptionPolicy", "terminationGracePeriodSeconds", "restartPolicy", "tolerations",
         "nodeName",        "nodeSelector",     "affinity",          "schedulerName",        "enableServiceLinks",
         "hostname",        "subdomain",        "setHostnameAsFQDN", "topologySpreadConstraints", "os",
         "overhead",        "readinessGates",   "imagePullSecrets"});
}

pod_manifest read_pod(const yaml_field& root, const std::string& file) {
    pod_manifest out;
    out.file = file;
    const auto version = root.need("apiVersion");
    if (version.text() != "v1") version.fail("is not v1");
    const auto kind = root.need("kind");
    if (kind.text() != "Pod") kind.fail("is not Pod");
    read_metadata(root.need("metadata"), out);
    const auto spec = root.need("spec");
    read_spec(spec, out);
    check_whole(out, spec);
    return out;
}

}  // namespace

const pod_container* pod_manifest::find(std::string_view container) const {
    for (const auto& c : containers)
        if (c.name == container) return &c;
    return nullptr;
}

const pod_volume* pod_manifest::volume(std::string_view volume) const {
    for (const auto& v : volumes)
        if (v.name == volume) return &v;
    return nullptr;
}

outcome<pod_manifest> parse_pod_manifest(std::string_view bytes, const std::string& file) {
    const auto failed = [](std::string why) {
        return outcome<pod_manifest>(boost::system::in_place_error, std::move(why));
    };
    const auto document = parse_yaml(bytes, file);
    if (!document) return failed(document.error());
    if (document->what != yaml_value::kind::map)
        return failed(file + ": not a pod's manifest, which is a map of keys");
    try {
        return read_pod(yaml_field(*document, ""), file);
    } catch (const field_fault& fault) {
        return failed(file + (fault.line > 0 ? ":" + std::to_string(fault.line) : "") + ": " + fault.what);
    }
}

}  // namespace launcher
