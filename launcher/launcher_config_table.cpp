#include "launcher/launcher_config_table.h"

#include <utility>

#include "launcher/config_values.h"
#include "launcher/launcher_config_syntax.h"

namespace launcher {

using namespace config_syntax;

const std::vector<config_key<launcher_config>>& launcher_keys() {
    using key = config_key<launcher_config>;
    using words = std::vector<std::string>;
    static const std::vector<key> keys{
        {"socket", "path", false, "/run/delvegate/launcher.sock",
         "Where gateway and command line ask the launcher: 0660, root and the gateway's group. Its directory must be root's.", "",
         [](launcher_config& to, const words& value) { return path_into(to.socket, value[0], 100); }},
        {"stateDirectory", "path", false, "/var/lib/delvegate/launcher",
         "Journal, what is armed, and one lock. Every directory above it must be root's.", "",
         [](launcher_config& to, const words& value) { return path_into(to.state_directory, value[0]); }},
        {"runtimeDirectory", "path", false, "/run/delvegate/launcher", "dlv's sockets and what else a reboot may forget.", "",
         [](launcher_config& to, const words& value) { return path_into(to.runtime_directory, value[0]); }},
        {"logFile", "path", false, "/var/log/delvegate/launcher.jsonl",
         "The launcher's own log of verbs, one JSON object a line, root's (0600); kept below 64 MiB with the file before "
         "it. Beside it, with `.gateway` behind its name, as much of what the gateway asked in vain or only to look.", "",
         [](launcher_config& to, const words& value) { return path_into(to.log_file, value[0]); }},
        {"gatewayUser", "text", false, "delvegate",
         "The system user the gateway runs as: it may ask, within what is armed. There need not be one.", "",
         [](launcher_config& to, const words& value) { return user_into(to.gateway_user, value[0]); }},
        {"gatewayUIDs", "list of numbers", true, "[]", "Further uids that count as the gateway, for users of its group; never 0.", "",
         [](launcher_config& to, const words& value) { return uids_into(to.gateway_uids, value); }},
        {"systemd", "system or none", false, "system",
         "Whether dlv and the component run as a transient unit of systemd's, or in a cgroup of the launcher's own.", "",
         [](launcher_config& to, const words& value) -> std::string {
             if (value[0] != "system" && value[0] != "none") return "is system or none";
             to.scope = value[0] == "none" ? systemd_scope::none : systemd_scope::system;
             return {};
         }},
        {"kubectl", "path or name", false, "kubectl", "Asks the API server, for DaemonSets; a name is looked up in the launcher's PATH.", "",
         [](launcher_config& to, const words& value) { return program_into(to.kubectl, value[0]); }},
        {"armTimeMax", "duration", false, "24h", "The longest that `delvegate arm --for` may ask for.", "",
         [](launcher_config& to, const words& value) {
             return seconds_into(to.arm_time_max, value[0], std::chrono::minutes(1), std::chrono::hours(24 * 366));
         }},
        {"remoteStarts", "count", false, "6",
         "Starts of one component through the gateway within remoteStartsPeriod, and as many stops and restores; 0: none.", "",
         [](launcher_config& to, const words& value) { return count_into(to.remote_starts, value[0], 0, 10'000); }},
        {"remoteStartsPeriod", "duration", false, "10m", "The time that remoteStarts counts in.", "",
         [](launcher_config& to, const words& value) {
             return seconds_into(to.remote_starts_period, value[0], std::chrono::seconds(1), std::chrono::hours(24));
         }},
        {"connections", "count", false, "16", "Connections at once; root's and the gateway's are counted apart.", "",
         [](launcher_config& to, const words& value) { return count_into(to.connections, value[0], 1, 256); }},
    };
    return keys;
}

const std::vector<config_key<component_definition>>& component_keys() {
    using key = config_key<component_definition>;
    using words = std::vector<std::string>;
    using definition = component_definition;
    static const std::vector<key> keys{
        {"name", "DNS label", false, "", "What it is called everywhere: lower-case letters, digits and hyphens.", "kube-scheduler",
         [](definition& to, const words& value) { return label_into(to.name, value[0]); }},
        {"kind", "static-pod, daemon-set, systemd, attach or core", false, "static-pod",
         "static-pod: a pod of the kubelet's manifest directory. daemon-set: this node's pod of a DaemonSet. systemd: a service. "
         "attach: a process that goes on in its place with dlv attached. core: a core file; nothing can be set or run in it.", "",
         [](definition& to, const words& value) { return kind_into(to.kind, value[0]); }},
        {"pod", "text", false, "", "static-pod: the manifest's pod name. Without it: name. attach: of the container, for the stop budget by its liveness probe.",
         "kube-scheduler",
         [](definition& to, const words& value) { return subdomain_into(to.pod, value[0]); }},
        {"container", "DNS label", false, "",
         "static-pod, daemon-set: which container, where the pod has several. attach: the container to attach to, by its name in "
         "its pod.",
         "kube-scheduler",
         [](definition& to, const words& value) { return label_into(to.container, value[0]); }},
        {"manifestDirectory", "path", false, "", "static-pod: where the manifest is. Without it: found as the kubelet finds it.",
         "/etc/kubernetes/manifests",
         [](definition& to, const words& value) { return path_into(to.manifest_directory, value[0]); }},
        {"daemonSet", "text", false, "", "daemon-set: its name. Without it: name.", "kube-proxy",
         [](definition& to, const words& value) { return subdomain_into(to.daemon_set, value[0]); }},
        {"nodeName", "text", false, "", "daemon-set: this node's name in the cluster. Without it: as the kubelet is told, or the host's.",
         "node1", [](definition& to, const words& value) { return subdomain_into(to.node_name, value[0]); }},
        {"kubeconfig", "path", false, "/etc/kubernetes/admin.conf",
         "How the API server is reached. daemon-set: with the rights of packaging/kubernetes/ at least. static-pod, systemd: asked "
         "only for other instances, where extraArgs switch leader election off.", "",
         [](definition& to, const words& value) { return path_into(to.kubeconfig, value[0]); }},
        {"checkIptables", "true or false", false, "true",
         "daemon-set: whether a kube-proxy is refused where the node's iptables is of another backend than the rules.", "",
         [](definition& to, const words& value) { return flag_into(to.check_iptables, value[0]); }},
        {"unit", "unit name", false, "", "systemd: the unit. Without it: name with .service. attach: the unit whose main process to attach to.",
         "kubelet.service",
         [](definition& to, const words& value) { return unit_into(to.unit, value[0]); }},
        {"namespace", "DNS label", false, "kube-system", "daemon-set: its namespace. attach: of the container's pod.", "",
         [](definition& to, const words& value) { return label_into(to.name_space, value[0]); }},
        {"process", "text", false, "",
         "attach: the program's name, where one process of user outside of containers runs executable.", "kube-proxy",
         [](definition& to, const words& value) { return base_name_into(to.process, value[0]); }},
        {"pidFile", "path", false, "", "attach: a file of root's with the process's number.", "/run/kube-proxy.pid",
         [](definition& to, const words& value) { return path_into(to.pid_file, value[0]); }},
        {"executable", "path", false, "",
         "attach: what the process must be running, as it is called in its own root directory; else it is refused.",
         "/usr/local/bin/kube-proxy", [](definition& to, const words& value) { return path_into(to.executable, value[0]); }},
        {"user", "user or uid", false, "",
         "attach: whose process it must be; without it: root. core: who dlv runs as; without it: nobody. That user must be able "
         "to read the core file.",
         "root", [](definition& to, const words& value) { return account_into(to.user, value[0]); }},
        {"coreFile", "path", false, "", "core: the core file.", "/var/lib/delvegate/cores/kube-scheduler.core",
         [](definition& to, const words& value) { return path_into(to.core_file, value[0]); }},
        {"coreDir", "path", false, "", "core: a directory of root's; its newest core file is taken.", "/var/lib/delvegate/cores",
         [](definition& to, const words& value) { return path_into(to.core_directory, value[0]); }},
        {"binary", "path", false, "", "The debug binary. Without it: binaryDir and the original program's name. attach: only where the running program has no "
         "debug information: the same build before it was stripped. core: the program that the core file is of.",
         "/opt/debug/v1.34.1/kube-scheduler", [](definition& to, const words& value) { return path_into(to.binary, value[0]); }},
        {"binaryDir", "path", false, "", "Where debug binaries are, called like the programs they replace.", "/opt/debug/v1.34.1",
         [](definition& to, const words& value) { return path_into(to.binary_directory, value[0]); }},
        {"dlv", "path or name", false, "dlv", "The dlv to use; a name is looked up in the launcher's PATH.", "",
         [](definition& to, const words& value) { return program_into(to.dlv, value[0]); }},
        {"allowOtherMinor", "true or false", false, "false",
         "Whether a debug binary of another Kubernetes minor version may run: it may write what the original cannot read.", "",
         [](definition& to, const words& value) { return flag_into(to.allow_other_minor, value[0]); }},
        {"extraArgs", "list of text", true, "[]", "Arguments added after the original ones.", "",
         [](definition& to, const words& value) { return texts_into(to.extra_arguments, value); }},
        {"remoteStart", "never, armed or always", false, "armed",
         "Whether it may be started through the gateway: never, after `delvegate arm` by root on the node, or always.", "",
         [](definition& to, const words& value) { return remote_into(to.remote, value[0]); }},
        {"ceiling", "list of classes", true, "[observe, read, trace, breakpoint, control]",
         "What may be done to it through any gateway at all, however it is configured (docs/policy.md has the classes). With "
         "mutate or files whoever holds the gateway is this component's user. core: observe and read, no more.",
         "", [](definition& to, const words& value) { return classes_into(to.ceiling, value); }},
        {"memoryLimit", "bytes", false, "8GiB", "Memory of dlv and the component together; 0: no limit.", "",
         [](definition& to, const words& value) { return size_into(to.memory_limit, value[0]); }},
        {"startTimeout", "duration", false, "2m", "How long a start may take until the component's health answers; then it is undone.",
         "",
         [](definition& to, const words& value) {
             return seconds_into(to.start_timeout, value[0], std::chrono::seconds(1), std::chrono::hours(1));
         }},
        {"stopBudget", "duration", false, "",
         "How long it may stand still before it is resumed. Without it: derived from the component and its arguments, as "
         "`delvegate inspect` shows.",
         "25s",
         [](definition& to, const words& value) {
             return seconds_into(to.stop_budget.emplace(), value[0], std::chrono::seconds(1), std::chrono::hours(24));
         }},
        {"park", "duration", false, "0s",
         "How long somebody with the class control may hold a stop on purpose (`delvegate park`), whatever stopBudget says: what is "
         "said there of others who notice and of damage comes to pass. 0s: not at all.",
         "",
         [](definition& to, const words& value) {
             return seconds_into(to.park, value[0], std::chrono::seconds(0), std::chrono::hours(24 * 7));
         }},
        {"sessionTimeout", "duration", false, "10m", "How long nobody may be in a session, or no gateway be there, until it is put back.",
         "",
         [](definition& to, const words& value) {
             return seconds_into(to.session_timeout, value[0], std::chrono::seconds(10), std::chrono::hours(24 * 7));
         }},
        {"ports", "list of ports", true, "[]", "TCP ports that must be free before it goes on. Without any: found from its arguments.",
         "", [](definition& to, const words& value) { return ports_into(to.ports, value); }},
        {"health", "URL or none", false, "",
         "Answers 2xx when the component works. Without it: from the manifest's probes, or what the component is known for.",
         "https://127.0.0.1:10259/healthz", [](definition& to, const words& value) { return health_into(to.health, value[0]); }},
        {"onExit", "restore, restart or keep", false, "restore",
         "When the component ends by itself: put the original back, start it again under dlv, or leave it for a look.", "",
         [](definition& to, const words& value) { return on_exit_into(to.when_exited, value[0]); }},
    };
    return keys;
}

}  // namespace launcher
