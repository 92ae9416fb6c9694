// What the kubelet would have made for a pod out of the API: files of ConfigMaps, Secrets, projected volumes and downward
// API, and variables of ConfigMaps and Secrets. Read for `inspect`, written by `start` only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/path_rewrite.h"
#include "launcher/plan.h"
#include "launcher/pod_manifest.h"
#include "launcher/private_file.h"
#include "launcher/pod_process.h"
#include "protocol/json.h"

namespace launcher {

// Where every pod finds the token of its ServiceAccount.
inline const std::string account_directory = "/var/run/secrets/kubernetes.io/serviceaccount";

struct token_wish {
    std::string audience;  // empty: the API server
    std::chrono::seconds life{3600};
};

struct made_file {
    std::string path;     // below the session's directory: "kube-proxy/config.conf"
    std::string content;  // of a token: none yet
    bool executable = false;
    bool secret = false;
    std::optional<token_wish> token;
};

struct made_volume {
    std::string name;
    std::string origin;             // "ConfigMap kube-proxy", for people
    std::vector<made_file> files;
};

// An object at an API path, none where there is none: kubectl_client::get.
using api_reader = std::function<outcome<std::optional<protocol::json>>(const std::string& path)>;

// data and binaryData of a "ConfigMap" or a "Secret", decoded.
outcome<std::map<std::string, std::string, std::less<>>> contents_of(const protocol::json& object, const std::string& kind);

// Of the container's mounts those whose volumes are made out of the API. What cannot be made is a refusal. `volumes` is the
// pod's spec.volumes.
std::vector<made_volume> read_made_volumes(const protocol::json& volumes, const pod_manifest& manifest,
                                           const pod_container& container, const node_facts& node, const api_reader& api,
                                           std::vector<finding>& findings);

// envFrom, and env of ConfigMaps and Secrets, turned into values; what is the pod's own (its name) too. The names whose
// values are secret.
std::set<std::string> resolve_variables(pod_manifest& manifest, pod_container& container, const api_reader& api,
                                        std::vector<finding>& findings);

// Where each mount of a made volume is, below `directory`.
std::vector<path_mapping> mappings_of(const std::vector<made_volume>& volumes, const pod_container& container,
                                      const std::string& directory);

// `directory` anew, root's, passed through by the group only; in it the files, the process's to read. Tokens are left out.
outcome<void> write_made_files(const std::string& directory, const std::vector<made_volume>& volumes, uid_t uid, gid_t gid);

}  // namespace launcher
