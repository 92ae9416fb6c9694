// What start would do with a DaemonSet's pod: read from the API and from the process that runs.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "launcher/arguments.h"
#include "launcher/daemon_set.h"
#include "launcher/daemon_set_patch.h"
#include "launcher/daemon_set_pod.h"
#include "launcher/failed.h"
#include "launcher/health_probe.h"
#include "launcher/iptables_check.h"
#include "launcher/json_patch.h"
#include "launcher/kubelet_config.h"
#include "launcher/leadership.h"
#include "launcher/own_host.h"
#include "launcher/plan_json.h"
#include "launcher/pod_process.h"
#include "launcher/running_program.h"
#include "launcher/service_host.h"
#include "launcher/together.h"
#include "launcher/yaml_document.h"
#include "storage/sha256.h"
#include "storage/shell_word.h"

namespace launcher {

using protocol::json;
using storage::shell_word;

namespace {

std::string host_name() {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0) return {};
    std::string out(name);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::optional<std::string> text_of(const std::string& file) {
    auto text = read_regular_file(file, 1u << 20);  // named by an argument: it may be anything
    return text ? std::optional(std::move(*text)) : std::nullopt;
}

std::vector<std::string> values(const std::vector<sourced_word>& words) {
    std::vector<std::string> out;
    for (const auto& word : words) out.push_back(word.value);
    return out;
}

// What comes out of a Secret, and what was put together with it, is marked as such: plans are shown without it.
void hide_secrets(process_plan& process, const std::set<std::string>& names) {
    constexpr std::size_t telling = 4;  // shorter ones are in any word
    std::vector<std::string> secret;
    for (const auto& [name, word] : process.env)
        if (names.contains(name) && word.value.size() >= telling) secret.push_back(word.value);
    const auto mark = [&](sourced_word& word, bool surely) {
        const bool holds = std::any_of(secret.begin(), secret.end(),
                                       [&](const auto& each) { return word.value.find(each) != std::string::npos; });
        if (surely || holds) word.source = "a Secret, for " + word.source;
    };
    for (auto& [name, word] : process.env) mark(word, names.contains(name));
    for (auto& word : process.argv) mark(word, false);
}

// In its cgroup's name, with dashes or underscores.
bool is_of_pod(const live_process& process, std::string uid) {
    if (uid.empty() || !process.of_the_kubelet) return false;
    if (process.cgroup.find(uid) != std::string::npos) return true;
    std::replace(uid.begin(), uid.end(), '-', '_');
    return process.cgroup.find(uid) != std::string::npos;
}

}  // namespace

void daemon_set::find_node() {
    node_ = definition_.node_name;
    const auto kubelet = find_kubelet();
    kubelet_runs_ = kubelet.has_value();
    if (kubelet) {
        if (const auto setup = read_kubelet_setup(kubelet->argv, kubelet->working_directory)) {
            cri_endpoint_ = setup->cri_endpoint;
            if (node_.empty()) node_ = setup->node_name;
        } else if (node_.empty()) {  // a kubelet without static pods
            node_ = flag_value(kubelet->argv, "hostname-override").value_or("");
        }
    }
    if (node_.empty()) node_ = host_name();
}

outcome<daemon_set::pod_found> daemon_set::find_pod(component_plan& plan) {
    pod_found out;
    auto object = api_.need(object_path(), what());
    if (!object) return failed<pod_found>(object.error());
    out.object = std::move(*object);
    auto pods = pods_on_node(out.object, node_);
    if (!pods) return failed<pod_found>(pods.error());
    out.pods = std::move(*pods);
    out.pod = pod_of_node(out.pods, out.object, node_);
    if (out.pod == nullptr)
        return failed<pod_found>("no pod of the " + what() + " runs on node " + node_ +
                                 ": there is nothing to take out (nodeName in launcher.yaml, if the node is called otherwise)");
    // Of another node's pod nothing could take the place here.
    const auto theirs = host_addresses(*out.pod), ours = own_addresses();
    if (std::none_of(theirs.begin(), theirs.end(),
                     [&](const auto& each) { return std::find(ours.begin(), ours.end(), each) != ours.end(); }))
        return failed<pod_found>("the pod of the " + what() + " on node " + node_ + " runs on a host of another address (" +
                                 (theirs.empty() ? "none is told" : theirs.front()) + "): nodeName in launcher.yaml is another node's");
    if (!is_ready(*out.pod))
        plan.findings.push_back({severity::warning, "its pod on node " + node_ + " is not ready now", {}});
    auto manifest = manifest_of_pod(*out.pod, "daemonset/" + definition_.daemon_set);
    if (!manifest) return failed<pod_found>(manifest.error());
    out.manifest = std::move(*manifest);
    return outcome<pod_found>(boost::system::in_place_value, std::move(out));
}

void daemon_set::check_access(component_plan& plan) const {
    struct stat info {};
    const auto& file = definition_.kubeconfig;
    if (::stat(file.c_str(), &info) == 0 && (info.st_mode & 0027) != 0)
        plan.findings.push_back({severity::warning, file + " can be read or written by others than its owner", "chmod 0600 " + file});
}

void daemon_set::find_processes_of(const pod_found& found, component_plan& plan) {
    auto all = find_processes(program_);
    // Another pod's process of that name is anybody's.
    std::erase_if(all, [&](const auto& each) {
        return each.of_the_kubelet ? !is_of_pod(each, found.manifest.uid) : !each.in_container;
    });
    if (std::any_of(all.begin(), all.end(), [&](const auto& each) { return is_of_pod(each, found.manifest.uid); }))
        std::erase_if(all, [&](const auto& each) { return !is_of_pod(each, found.manifest.uid); });
    else if (all.size() > 1)
        plan.findings.push_back({severity::refusal, std::to_string(all.size()) + " processes called " + program_ +
                                                        " run in containers of this host: which is the pod's cannot be told", {}});
    if (all.empty())
        plan.findings.push_back({severity::warning, "no process of " + program_ + " runs in a container now, so there is nothing to "
                                                    "compare the DaemonSet with", {}});
    before_ = std::move(all);
}

// What the API's files are called on the host: in the arguments, the variables and the files themselves.
void daemon_set::make_paths(const pod_container& mounted, const std::set<std::string>& secrets, component_plan& plan) {
    const auto mappings = mappings_of(made_, mounted, directory_);
    std::set<std::string> used;
    auto& process = plan.process;
    hide_secrets(process, secrets);
    for (std::size_t i = 1; i < process.argv.size(); ++i) {
        auto now = rewrite_paths(process.argv[i].value, mappings);
        if (now.places > 0) process.argv[i] = {now.text, process.argv[i].source + ", its path made this session's"};
        used.merge(now.used);
    }
    for (auto& [_, word] : process.env) {
        auto now = rewrite_paths(word.value, mappings);
        if (now.places > 0) word = {now.text, word.source + ", its path made this session's"};
        used.merge(now.used);
    }
    for (auto& volume : made_)
        for (auto& file : volume.files) {
            if (file.token) continue;
            auto now = rewrite_file(file.content, mappings);
            if (now.places == 0) continue;
            file.content = std::move(now.text);
            used.merge(now.used);
            plan.findings.push_back({severity::note, file.path + ": " + std::to_string(now.places) +
                                                         (now.places == 1 ? " path is" : " paths are") +
                                                         " made this session's; everything else is as it is in " + volume.origin, {}});
        }
    // What nobody names is looked for where it would be in the container.
    for (auto mount : mounted.mounts) {
        while (mount.path.size() > 1 && mount.path.ends_with('/')) mount.path.pop_back();
        const auto at = std::find_if(mappings.begin(), mappings.end(), [&](const auto& each) { return each.from == mount.path; });
        if (at == mappings.end()) continue;
        const bool named = std::any_of(mappings.begin(), mappings.end(),
                                       [&](const auto& each) { return each.to == at->to && used.contains(each.from); });
        if (named) continue;
        process.mounts.push_back({at->to, mount.path, true});
        plan.findings.push_back({severity::note, mount.path + " is named by no argument and no file: the files of the volume " +
                                                     mount.volume + " are mounted there, in a mount namespace of the process's own", {}});
        struct stat info {};
        if (::stat(mount.path.c_str(), &info) != 0)
            plan.findings.push_back({severity::note, "an empty " + mount.path + " is made on the host to mount them at, and stays", {}});
    }
    std::sort(process.mounts.begin(), process.mounts.end(), [](const auto& a, const auto& b) { return a.target < b.target; });
    process.files = files_of_arguments(values(process.argv));
    std::erase_if(process.files, [&](const auto& file) { return file.starts_with(directory_ + "/"); });
    for (const auto& volume : made_)
        plan.findings.push_back({severity::note, "volume " + volume.name + " (" + volume.origin + ") becomes " +
                                                     std::to_string(volume.files.size()) + " files below " + directory_ + "/" +
                                                     volume.name + ", the process's own and gone with the session; what changes "
                                                     "in the cluster meanwhile does not reach them, but for tokens", {}});
}

void daemon_set::know_proxy(component_plan& plan) {
    if (program_ != "kube-proxy") return;
    const auto argv = values(plan.process.argv);
    std::optional<std::string> config;
    if (const auto file = flag_value(argv, "config")) {
        for (const auto& volume : made_)
            for (const auto& each : volume.files)
                if (directory_ + "/" + each.path == *file) config = each.content;
        if (!config) config = text_of(*file);
    }
    const auto settings = read_proxy_settings(argv, config);
    plan.process.health = settings.health;
    plan.process.ports = {settings.metrics, settings.health.port};
    std::sort(plan.process.ports.begin(), plan.process.ports.end());
    if (definition_.check_iptables) judge_iptables(look_at_iptables(), settings.mode, plan.findings);
    // Its absence would otherwise be warned of as of any component.
    std::erase_if(plan.findings, [](const auto& each) { return each.text.find("no health endpoint is known") != std::string::npos; });
}

// The patch, its way back by hand, and who else is out.
void daemon_set::foresee(const json& object, bool forced, component_plan& plan) {
    record_ = {};
    record_.node = node_;
    record_.component = definition_.name;
    record_.machine = machine_id();
    record_.session = "SESSION";
    record_.by = "root";
    const auto patch = patch_out(object, record_);
    if (!patch) {
        plan.findings.push_back({severity::refusal, patch.error(), "delvegate restore " + definition_.name});
        return;
    }
    if (auto record = record_out(object, record_)) record_ = std::move(*record);
    // Its pod would return from a template that still does not want this node, and be replaced when that is gone.
    const auto others = nodes_out(object);
    for (const auto& other : others)
        plan.findings.push_back({forced ? severity::warning : severity::refusal,
                                 "node " + other.node + " is out of it as well, since " + other.since + ", by " + other.by +
                                     ": the first one back would get another pod when the last one comes back",
                                 forced ? "" : "wait until it is back; root may pass --force-not-together"});
    if (const auto* status = object.find("status"); status != nullptr && others.empty()) {
        const auto* generation = at_pointer(object, "/metadata/generation");
        const bool rolling = status->get_int("updatedNumberScheduled") < status->get_int("desiredNumberScheduled") ||
                             (generation != nullptr && generation->as_int() != status->get_int("observedGeneration"));
        if (rolling)
            plan.findings.push_back({severity::warning, "a rollout of the " + what() + " is under way, or waits for its pods to be "
                                                        "deleted: this node's pod may come back as a newer revision", {}});
    }
    if (const auto* strategy = at_pointer(object, "/spec/updateStrategy"); strategy->get_string("type") != "OnDelete")
        plan.findings.push_back({severity::note, "while it is out no other node's pod is replaced either: its updateStrategy is OnDelete", {}});
    plan.moved = "the " + what() + " is patched once: updateStrategy OnDelete, and an affinity that does not want node " + node_ +
                 "; this node's pod ends, no other one does";
    plan.comes_back = "the two edits are undone, and the same ControllerRevision's pod returns to the node";
    plan.undo_by_hand = {end_by_hand(definition_.name, configuration_.scope)};
    auto then = object;
    if (!apply_patch(then, *patch)) return;
    auto back = patch_back(then, node_).patch;
    // The generation will have moved on; the other tests hold.
    std::erase_if(*back.if_array(), [](const auto& each) { return each.get_string("path") == "/metadata/generation"; });
    plan.undo_by_hand.push_back(shell_word(configuration_.kubectl) + " --kubeconfig=" + shell_word(definition_.kubeconfig) + " --namespace=" +
                                definition_.name_space + " patch daemonset " + definition_.daemon_set + " --type=json --patch=" +
                                shell_word(protocol::to_text(back)));
}

outcome<component_plan> daemon_set::inspect(const lifecycle_request& request) {
    component_plan plan;
    plan.definition = definition_;
    find_node();
    check_access(plan);
    auto found = find_pod(plan);
    if (!found) return "component " + definition_.name + ": " + found.error();
    auto& manifest = found->manifest;
    const auto chosen = choose_container(manifest, definition_.container);
    if (!chosen) return "component " + definition_.name + ": " + chosen.error();
    container_ = (*chosen)->name;
    program_ = program_of(**chosen);
    account_ = manifest.service_account;
    revision_ = revision_of(*found->pod);
    plan.found_in = what();
    if (!kubelet_runs_)
        plan.findings.push_back({severity::refusal, "the kubelet of this node does not run: it would neither end the pod nor bring it back",
                                 "systemctl start kubelet"});
    find_processes_of(*found, plan);

    node_facts node;
    node.node_name = node_;
    node.addresses = host_addresses(*found->pod);
    node.session_directory = volumes_directory_;
    // Nothing is taken from a process that may be another's.
    if (!before_.empty() && is_of_pod(before_.front(), manifest.uid)) node.live = before_.front();
    const api_reader read = [this](const std::string& path) { return api_.get(path); };
    auto& container = *std::find_if(manifest.containers.begin(), manifest.containers.end(),
                                    [&](const auto& each) { return each.name == container_; });
    const auto mounted = container;
    const auto* volumes = at_pointer(*found->pod, "/spec/volumes");
    made_ = volumes != nullptr ? read_made_volumes(*volumes, manifest, container, node, read, plan.findings)
                               : std::vector<made_volume>();
    const auto secrets = resolve_variables(manifest, container, read, plan.findings);
    std::erase_if(container.mounts, [&](const auto& mount) {
        return std::any_of(made_.begin(), made_.end(), [&](const auto& each) { return each.name == mount.volume; });
    });
    for (const auto& mount : mounted.mounts)
        if (!mount.sub_path_expr.empty() &&
            std::any_of(made_.begin(), made_.end(), [&](const auto& each) { return each.name == mount.volume; }))
            plan.findings.push_back({severity::refusal, "subPathExpr of the mount at " + mount.path + " cannot be reproduced for a "
                                                        "volume of the API", {}});
    const auto* shape = at_pointer(found->object, "/spec/template");
    if (shape == nullptr) return what() + " has no template: the API server's answer is not understood";
    std::string hashed = protocol::to_text(*shape);
    for (const auto& volume : made_)
        for (const auto& file : volume.files)
            if (!file.secret) hashed += "\n" + file.path + "\n" + storage::sha256_hex(file.content);
    plan.manifest_hash = storage::sha256_hex(hashed);

    auto process = plan_pod_process(manifest, container_, node, plan.findings);
    if (!process) return plan.found_in + ": " + process.error();
    plan.process = std::move(*process);
    for (const auto& word : definition_.extra_arguments)
        plan.process.argv.push_back({word, "extraArguments of " + definition_.name + " in launcher.yaml"});
    make_paths(mounted, secrets, plan);
    know_proxy(plan);
    if (!definition_.ports.empty()) plan.process.ports = definition_.ports;
    if (definition_.health == "none") plan.process.health.port = 0;
    else if (!definition_.health.empty()) {
        auto health = parse_health(definition_.health);
        if (!health) return error_text(health.error());
        plan.process.health = *health;
    }
    host_paths_ = host_paths_of(manifest, container);
    check_host_paths(host_paths_, plan.findings);
    check_files(plan.process, plan.findings);
    plan_leadership(plan, program_, request, {api_reader(read), node_, component_pods(definition_.name_space, manifest.labels, program_)});
    forbid_together(plan, {program_, definition_.daemon_set, container_}, request);
    if (plan.process.image_version.empty() && node.live) plan.process.image_version = kubernetes_version_of(node.live->pid);
    check_runtime(cri_endpoint_, definition_.name_space, container_, plan.findings);
    if (auto fine = plan_binary(plan, program_, plan.process.image_version, request, examined_); !fine) return error_text(fine.error());
    plan_budget(plan, program_);
    foresee(found->object, request.forced(force::not_together), plan);
    plan.needed = {"kube-apiserver, for the patch and the process's work (" + definition_.kubeconfig + ", by " + configuration_.kubectl + ")",
                   "kube-controller-manager, or nobody ends the pod and makes it again", "the kubelet of this node"};
    plan_service_host(plan, configuration_.scope);
    auto hash = plan_hash(plan);
    if (!hash) return error_text(hash.error());
    plan.hash = *hash;
    return plan;
}

}  // namespace launcher
