// The kind `static-pod`: a manifest in the kubelet's directory, moved out of it and back.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "launcher/arguments.h"
#include "launcher/container_runtime.h"
#include "launcher/detacher.h"
#include "launcher/health_probe.h"
#include "launcher/held_manifest.h"
#include "launcher/host_path.h"
#include "launcher/kubelet_config.h"
#include "launcher/kubelet_version.h"
#include "launcher/leadership.h"
#include "launcher/live_process.h"
#include "launcher/manifest_search.h"
#include "launcher/plan_json.h"
#include "launcher/pod_process.h"
#include "launcher/port_use.h"
#include "launcher/running_program.h"
#include "launcher/service_host.h"
#include "launcher/stray_holds.h"
#include "launcher/together.h"
#include "storage/sha256.h"

namespace launcher {

namespace {

namespace fs = std::filesystem;

manifest_place place_of(const std::string& target) {
    const fs::path path(target);
    manifest_place place;
    place.directory = path.parent_path();
    place.name = path.filename();
    return place;
}

std::string target_of(const std::optional<detachment>& row) { return row ? row->target_file : std::string(); }

class static_pod final : public detacher {
public:
    static_pod(const component_definition& definition, const launcher_config& configuration)
        : definition_(definition), configuration_(configuration) {}

    outcome<component_plan> inspect(const lifecycle_request& request) override;
    outcome<void> prepare(const component_plan& plan) override;
    outcome<detachment_changes> intend(const component_plan& plan, const stand_in& who) override;
    outcome<void> take_out(const component_plan& plan, const stand_in& who) override;
    outcome<std::string> remains(const component_plan& plan) override;
    outcome<void> look(const std::optional<detachment>& row, found_on_disk& found) override;
    outcome<put_back_summary> put_back(const std::optional<detachment>& row, const recovery_decision& decision) override;
    outcome<std::string> missing(const std::optional<detachment>& row) override;
    std::string patience_hint() const override {
        return "the kubelet may hold a container back for up to 5 minutes after several restarts (its crash back-off)";
    }

private:
    outcome<kubelet_setup> kubelet() const;
    std::vector<live_process> containers_of(const std::string& program) const;
    std::string volumes() const { return configuration_.runtime_directory + "/.volumes/" + definition_.name; }
    outcome<put_back_summary> manifest_back(const std::optional<detachment>& row, const recovery_decision& decision);
    outcome<std::optional<manifest_place>> held_place(const std::optional<detachment>& row) const;
    std::string pod_name() const { return definition_.pod.empty() ? definition_.name : definition_.pod; }

    component_definition definition_;
    const launcher_config& configuration_;
    bool root_decided_ = false;
    // Of the last inspect: what `remains` looks for.
    std::vector<live_process> before_;
    std::vector<host_path> host_paths_;
    kubelet_setup setup_;
    std::string container_, name_space_, program_;
};

outcome<kubelet_setup> static_pod::kubelet() const {
    const auto process = find_kubelet();
    if (!process) return error_text(process.error());
    auto setup = read_kubelet_setup(process->argv, process->working_directory);
    if (setup && !definition_.manifest_directory.empty()) {
        setup->manifests = definition_.manifest_directory;
        setup->manifests_source = "manifestDirectory of " + definition_.name + " in launcher.yaml";
    }
    return setup;
}

std::vector<live_process> static_pod::containers_of(const std::string& program) const {
    auto all = find_processes(program);
    // Anybody may call a process so, in a namespace of his own: the kubelet's cgroups are root's. A pod may share the host's pids.
    std::erase_if(all, [](const auto& each) { return !each.of_the_kubelet; });
    return all;
}

outcome<component_plan> static_pod::inspect(const lifecycle_request& request) {
    if (auto fine = check_dlv(definition_, examined_); !fine) return error_text(fine.error());
    component_plan plan;
    plan.definition = definition_;
    auto setup = kubelet();
    if (!setup) return "component " + definition_.name + ": " + setup.error();
    setup_ = *setup;
    auto found = find_manifest(setup_.manifests, pod_name(), plan.findings);
    if (!found) return "component " + definition_.name + ": " + found.error();
    const auto container = choose_container(found->manifest, definition_.container);
    if (!container) return found->path + ": " + container.error();
    plan.found_in = found->path;
    plan.manifest_hash = storage::sha256_hex(found->bytes);
    container_ = (*container)->name;
    name_space_ = found->manifest.name_space;
    program_ = program_of(**container);

    node_facts node;
    node.node_name = setup_.node_name;
    node.session_directory = volumes();
    before_ = containers_of(program_);
    if (!before_.empty()) node.live = before_.front();
    auto process = plan_pod_process(found->manifest, container_, node, plan.findings);
    if (!process) return found->path + ": " + process.error();
    plan.process = std::move(*process);
    for (const auto& word : definition_.extra_arguments)
        plan.process.argv.push_back({word, "delvegate: extraArgs of " + definition_.name + " in launcher.yaml"});
    if (!definition_.ports.empty()) plan.process.ports = definition_.ports;
    if (definition_.health == "none") plan.process.health.port = 0;
    else if (!definition_.health.empty()) {
        auto health = parse_health(definition_.health);
        if (!health) return error_text(health.error());
        plan.process.health = *health;
    }
    host_paths_ = host_paths_of(found->manifest, **container);
    check_host_paths(host_paths_, plan.findings);
    check_files(plan.process, plan.findings);
    if (before_.empty())
        plan.findings.push_back({severity::warning, "no process of " + program_ + " runs in a container now, so there is "
                                 "nothing to compare the manifest with", "crictl ps -a --name " + container_});
    else if (before_.size() > 1)
        plan.findings.push_back({severity::refusal, std::to_string(before_.size()) + " processes called " + program_ +
                                 " run in containers of this host: which is the pod's cannot be told", {}});
    plan_leadership(plan, program_, request, {api_of(definition_, configuration_), setup_.node_name,
                                              component_pods(name_space_, found->manifest.labels, program_)});
    forbid_together(plan, {program_, found->manifest.name, container_}, request);
    if (plan.process.image_version.empty() && node.live) plan.process.image_version = kubernetes_version_of(node.live->pid);
    check_runtime(setup_.cri_endpoint, name_space_, container_, plan.findings);
    if (auto fine = plan_binary(plan, program_, plan.process.image_version, request, examined_); !fine) return error_text(fine.error());
    plan_budget(plan, program_);

    const auto hold = foresee_hold(place_of(plan.found_in), {end_by_hand(definition_.name, configuration_.scope)});
    if (!hold) return "component " + definition_.name + ": " + hold.error();
    plan.moved = plan.found_in + " is moved to " + hold->held + ", so that the kubelet stops the pod";
    plan.comes_back = "the same file is moved back: the kubelet starts the pod again";
    plan.undo_by_hand = hold->undo;
    plan.needed = {"the kubelet, or nobody stops the pod and starts it again (" + setup_.manifests_source + ")"};
    plan_service_host(plan, configuration_.scope);
    if (program_ != "kube-apiserver" && program_ != "etcd") plan.needed.emplace_back("kube-apiserver, for " + program_ + " to do its work");
    auto hash = plan_hash(plan);
    if (!hash) return error_text(hash.error());
    plan.hash = *hash;
    return plan;
}

outcome<void> static_pod::prepare(const component_plan& plan) {
    for (const auto& each : host_paths_)
        if (auto fine = create_host_path(each); !fine) return fine;
    return make_empty_volumes(volumes(), plan.process.mounts);
}

outcome<detachment_changes> static_pod::intend(const component_plan& plan, const stand_in&) {
    detachment_changes changes;
    changes.target_file = plan.found_in;
    changes.target_hash = plan.manifest_hash;
    changes.node = protocol::to_text(to_json(read_node_identity(kubelet_minor(), plan.process.files)));
    return changes;
}

outcome<void> static_pod::take_out(const component_plan& plan, const stand_in& who) {
    hold_request request;
    request.session = who.session;
    request.component = definition_.name;
    request.expected_hash = plan.manifest_hash;
    request.by = who.by;
    request.unit = who.unit;
    request.dlv = who.dlv;
    request.undo_first = {end_by_hand(definition_.name, configuration_.scope)};
    request.node = read_node_identity(kubelet_minor(), plan.process.files);
    auto held = hold_manifest(place_of(plan.found_in), request);
    if (!held) return error_text(held.error());
    return {};
}

outcome<std::string> static_pod::remains(const component_plan& plan) {
    for (const auto& each : before_)
        if (still_runs(each)) return text("its process " + std::to_string(each.pid));
    if (const auto others = containers_of(program_); !others.empty())
        return text("another process of it, " + std::to_string(others.front().pid) + ", that was started meanwhile");
    const auto answer = running_containers(setup_.cri_endpoint, name_space_, container_);
    if (!answer) return error_text(answer.error());
    if (!answer->running.empty()) return text("its container " + answer->running.front().substr(0, 12));
    if (const auto taken = ports_in_use(plan.process.ports); !taken.empty())
        return text("a listener at its port " + std::to_string(taken.front()));
    return text({});
}

// Where it is held: by the journal; without one, by what lies beside the kubelet's directory.
outcome<std::optional<manifest_place>> static_pod::held_place(const std::optional<detachment>& row) const {
    if (!target_of(row).empty()) return std::optional(place_of(row->target_file));
    auto directory = definition_.manifest_directory;
    if (known_by_its_hold(definition_)) return std::optional(place_of(directory));
    if (directory.empty()) {
        // At boot there is no kubelet yet to be asked: kubeadm's directory then.
        const auto setup = kubelet();
        directory = setup ? setup->manifests : "/etc/kubernetes/manifests";
    }
    const auto places = find_held(directory);
    if (!places) return error_text(places.error());
    for (const auto& each : *places) {
        const auto state = look_at_manifest(each);
        if (state && is_hold_of(definition_, each, *state)) return std::optional(each);
    }
    return std::optional<manifest_place>();
}

outcome<void> static_pod::look(const std::optional<detachment>& row, found_on_disk& found) {
    root_decided_ = found.why == found_on_disk::occasion::root_put_back;
    const auto place = held_place(row);
    if (!place) return error_text(place.error());
    if (!*place) {
        // Nothing was taken yet: the component's own manifest is where it was.
        if (row && row->target_file.empty()) found.target = found_on_disk::target_state::same;
        return {};
    }
    const auto state = look_at_manifest(**place, row ? row->target_hash : std::string());
    if (!state) return error_text(state.error());
    if (row && state->found && state->found->session != row->id) {
        found.same_session = false;
        // Two components of one manifest, or one that has got another name: whose session has it puts it back.
        found.held_by_another = state->found->component != definition_.name;
        if (found.held_by_another) return {};
    }
    using record = found_on_disk::record_state;
    found.record = state->record == held_state::record_state::none        ? record::none
                   : state->record == held_state::record_state::malformed ? record::malformed
                   : state->found && state->found->taking                 ? record::unconfirmed
                                                                          : record::good;
    // These two have the same members in the same order.
    found.held = static_cast<found_on_disk::held_state>(state->held);
    found.target = static_cast<found_on_disk::target_state>(state->target);
    if (state->found) {
        const auto now_identity = read_node_identity(kubelet_minor(), state->found->node.files);
        found.same_node = node_difference(state->found->node, now_identity).empty();
        if (!row) found.same_boot = state->found->since.boot_id == now().boot_id;
    } else if (row && !row->node.empty()) {
        const auto recorded = protocol::parse_json(row->node);
        const auto identity = recorded ? node_identity_from(*recorded) : node_identity{};
        found.same_node = recorded && node_difference(identity, read_node_identity(kubelet_minor(), identity.files)).empty();
    }
    return {};
}

outcome<put_back_summary> static_pod::put_back(const std::optional<detachment>& row, const recovery_decision& decision) {
    auto done = manifest_back(row, decision);
    // What the session had in its empty volumes is the pod's, and gone with it, as the kubelet has it.
    std::error_code ignored;
    if (done && decision.manifest != recovery_decision::manifest_action::hold_and_report) fs::remove_all(volumes(), ignored);
    return done;
}

outcome<put_back_summary> static_pod::manifest_back(const std::optional<detachment>& row, const recovery_decision& decision) {
    using action = recovery_decision::manifest_action;
    put_back_summary summary;
    if (decision.manifest == action::none || decision.manifest == action::hold_and_report) return summary;
    const auto place = held_place(row);
    if (!place) return error_text(place.error());
    if (!*place) return summary;
    if (decision.manifest == action::set_aside) {
        const auto stored = set_aside_manifest(**place);
        if (!stored) return error_text(stored.error());
        summary.theirs_kept = true;
        summary.remarks.push_back("what was held is kept as " + *stored);
        return summary;
    }
    put_back_options options;
    options.whatever_it_is = root_decided_;
    options.over_theirs = decision.manifest == action::replace_theirs;
    if (row) options.hash = row->target_hash;
    const auto report = put_back_manifest(**place, options);
    if (!report) return error_text(report.error());
    summary.remarks = report->remarks;
    if (report->result == put_back_result::superseded) {
        summary.theirs_kept = true;
        summary.remarks.push_back("somebody has put another file there: it stays, ours is kept as " + report->stored);
    }
    return summary;
}

outcome<std::string> static_pod::missing(const std::optional<detachment>& row) {
    // The manifest that was out, whatever its pod is called: there may be no definition any more that says so.
    const auto target = known_by_its_hold(definition_) ? definition_.manifest_directory : target_of(row);
    auto manifest = outcome<pod_manifest>(error_text(""));
    if (!target.empty()) {
        const auto bytes = read_regular_file(target);
        if (!bytes) return error_text(bytes.error());
        manifest = parse_pod_manifest(*bytes, target);
    } else {
        std::vector<finding> ignored;
        const auto setup = kubelet();
        if (!setup) return error_text(setup.error());
        auto found = find_manifest(setup->manifests, pod_name(), ignored);
        if (!found) return error_text(found.error());
        manifest = std::move(found->manifest);
    }
    if (!manifest) return error_text(manifest.error());
    const auto container = choose_container(*manifest, definition_.container);
    if (!container) return error_text(container.error());
    if (const auto running = find_kubelet(); !running) return error_text(running.error());
    const auto program = program_of(**container);
    if (containers_of(program).empty()) return text("the kubelet has not started " + program + " yet");
    return text({});
}

}  // namespace

std::unique_ptr<detacher> make_static_pod(const component_definition& definition, const launcher_config& configuration) {
    return std::make_unique<static_pod>(definition, configuration);
}

}  // namespace launcher
