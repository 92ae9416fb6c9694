// Which node of which cluster this is. After `kubeadm reset`, a join or an upgrade an old manifest would resurrect an old
// member, so nothing old is put back by itself on a node that is another one.
#pragma once

#include <string>
#include <vector>

#include "launcher/outcome.h"
#include "protocol/json.h"

namespace launcher {

struct node_identity {
    std::string kubelet_conf;   // sha256 hex of /etc/kubernetes/kubelet.conf; empty: not there
    std::string ca;             // of /etc/kubernetes/pki/ca.crt
    std::string kubelet_minor;  // "1.34"; empty: unknown
    std::vector<std::string> files;  // absolute paths that the component needs and that were there
    bool operator==(const node_identity&) const = default;
};

struct node_files {  // where to look; other paths in tests and on other distributions
    std::string kubelet_conf = "/etc/kubernetes/kubelet.conf";
    std::string ca = "/etc/kubernetes/pki/ca.crt";
};

// Of now. Of `files` those that are there are kept.
node_identity read_node_identity(const std::string& kubelet_minor, const std::vector<std::string>& files,
                                 const node_files& where = {});

// Empty when the node is still the recorded one; else what is different, in words. A kubelet version that is unknown on
// either side is not compared (at boot no kubelet runs that could be asked).
std::string node_difference(const node_identity& recorded, const node_identity& now);

protocol::json to_json(const node_identity& identity);
node_identity node_identity_from(const protocol::json& value);

}  // namespace launcher
