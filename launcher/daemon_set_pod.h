// A DaemonSet and its pod on one node, as the API has them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "launcher/pod_manifest.h"
#include "protocol/json.h"

namespace launcher {

// spec.selector as a label selector of the API: "k8s-app=kube-proxy,tier in (a,b)". The error is one that it cannot be.
outcome<std::string> selector_text(const protocol::json& daemon_set);

// Of a list of pods the DaemonSet's own that is bound to the node and is not being deleted; null when there is none.
// `ending` is set to one that is.
const protocol::json* pod_of_node(const protocol::json& list, const protocol::json& daemon_set, std::string_view node,
                                  const protocol::json** ending = nullptr);
bool is_ready(const protocol::json& pod);
std::string revision_of(const protocol::json& pod);             // its controller-revision-hash
std::vector<std::string> host_addresses(const protocol::json& pod);

// What the kubelet runs for it, with what admission has added to the template.
outcome<pod_manifest> manifest_of_pod(const protocol::json& pod, const std::string& file);

// Of a kube-proxy: what its configuration says beside its arguments.
struct proxy_settings {
    std::string mode;  // empty: iptables
    health_check health{"http", "127.0.0.1", 10256, "/healthz"};
    std::uint16_t metrics = 10249;
};
// `config` is the file's text, where there is one: then the arguments of the same meaning do not count.
proxy_settings read_proxy_settings(const std::vector<std::string>& argv, const std::optional<std::string>& config);

}  // namespace launcher
