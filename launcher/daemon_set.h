// The kind `daemon-set`: this node's pod of a DaemonSet, taken out by a patch of the DaemonSet that no other node's pod
// notices, and the process that takes its place with what the kubelet would have made for it out of the API.
//
// What is out is written on the DaemonSet itself, in an annotation for the node: it serves when the journal is gone.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "launcher/container_runtime.h"
#include "launcher/daemon_set_files.h"
#include "launcher/daemon_set_patch.h"
#include "launcher/detacher.h"
#include "launcher/host_path.h"
#include "launcher/kubectl_client.h"
#include "launcher/live_process.h"
#include "launcher/service_tokens.h"

namespace launcher {

class daemon_set final : public detacher {
public:
    daemon_set(const component_definition& definition, const launcher_config& configuration);

    outcome<component_plan> inspect(const lifecycle_request& request) override;
    outcome<void> prepare(const component_plan& plan) override;
    outcome<detachment_changes> intend(const component_plan& plan, const stand_in& who) override;
    outcome<void> take_out(const component_plan& plan, const stand_in& who) override;
    outcome<std::string> remains(const component_plan& plan) override;
    outcome<void> look(const std::optional<detachment>& row, found_on_disk& found) override;
    outcome<put_back_summary> put_back(const std::optional<detachment>& row, const recovery_decision& decision) override;
    outcome<std::string> missing(const std::optional<detachment>& row) override;
    outcome<void> tend(const detachment& row) override;
    std::string patience_hint() const override {
        return "the kubelet may hold a container back for up to 5 minutes after several restarts (its crash back-off)";
    }

private:
    // What is found of the pod, while a plan is made of it.
    struct pod_found {
        protocol::json object, pods;
        const protocol::json* pod = nullptr;
        pod_manifest manifest;
        pod_container* container = nullptr;  // of the manifest
    };

    // What is out is what the row says, whatever launcher.yaml says by now.
    void adopt(const std::optional<detachment>& row);
    void find_node();
    std::string node_of(const std::optional<detachment>& row);
    std::string what() const { return "DaemonSet " + definition_.name_space + "/" + definition_.daemon_set; }
    std::string object_path() const;
    outcome<protocol::json> pods_on_node(const protocol::json& object, const std::string& node) const;
    outcome<pod_found> find_pod(component_plan& plan);
    void check_access(component_plan& plan) const;
    void find_processes_of(const pod_found& found, component_plan& plan);
    void make_paths(const pod_container& mounted, const std::set<std::string>& secrets, component_plan& plan);
    void know_proxy(component_plan& plan);
    void foresee(const protocol::json& object, bool forced, component_plan& plan);
    outcome<void> store(const token_book& book) const;
    std::optional<token_book> stored_book() const;
    void remove_files() const;

    component_definition definition_;
    const launcher_config& configuration_;
    kubectl_client api_;
    const std::string directory_;  // of the files that are made
    const std::string volumes_directory_;  // of emptyDirs

    // Of the last inspect.
    std::string node_, cri_endpoint_, container_, program_, account_, revision_;
    bool kubelet_runs_ = false;
    node_out record_;  // what the DaemonSet is going to say of this node
    std::vector<live_process> before_;
    std::vector<host_path> host_paths_;
    std::vector<made_volume> made_;
};

}  // namespace launcher
