// The Kubernetes API, asked by kubectl: with root's kubeconfig of this node, a few requests, JSON only.
//
// kubectl and kubeconfig are used only where nobody but root can change them.
// What is secret comes by kubectl's output and goes by its input; no word of its command line is.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "launcher/outcome.h"
#include "protocol/json.h"

namespace launcher {

struct kubectl_setup {
    std::string program = "kubectl";                          // a path, or a name looked up in PATH
    std::string kubeconfig = "/etc/kubernetes/admin.conf";
    std::string cache_directory;                              // for kubectl's list of resources
    std::chrono::seconds patience{10};                        // for one request
};

class kubectl_client {
public:
    explicit kubectl_client(kubectl_setup setup) : setup_(std::move(setup)) {}

    // The object at an API path ("/apis/apps/v1/namespaces/…"); none where there is no such object. Else errors of one
    // line: what was asked for, and what the API server or kubectl said of it.
    outcome<std::optional<protocol::json>> get(const std::string& path) const;
    // The same for what has to be there.
    outcome<protocol::json> need(const std::string& path, const std::string& what) const;
    // POST; what the API server answers.
    outcome<protocol::json> create(const std::string& path, const protocol::json& body) const;
    // A JSON patch of a DaemonSet; the DaemonSet as it is then. A patch of which a `test` does not hold is an error, as
    // is every other one: whoever gets it looks at the object again.
    outcome<protocol::json> patch_daemon_set(const std::string& name_space, const std::string& name,
                                             const protocol::json& patch) const;
    // A merge patch of a node: an annotation that is null is removed.
    outcome<void> patch_node(const std::string& node, const protocol::json& patch) const;

    const kubectl_setup& setup() const { return setup_; }

private:
    struct answer {
        bool fine = false;
        bool not_found = false;
        std::string output;
        std::string trouble;
    };
    outcome<answer> run(std::vector<std::string> words, const std::string& input = {}) const;

    kubectl_setup setup_;
};

// What kubectl's standard error comes down to, on one line. Pure.
std::string kubectl_trouble(const std::string& errors);
// The very object is not there: "Error from server (NotFound): daemonsets.apps "x" not found". Pure.
bool is_not_found(const std::string& errors);

// As it stands in a query of an API path. Pure.
std::string query_text(const std::string& text);

}  // namespace launcher
