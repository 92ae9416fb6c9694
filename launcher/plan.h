// What `inspect` finds and `start` does: a component's definition, and the plan made of it.
//
// A definition is root's (launcher.yaml). A plan is what the launcher read from the node just now: where the
// component was found, the process that replaces it, what is moved or patched, and what is wrong with it. Its
// hash names it: whoever starts by a plan that is not the one of now is told so.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "launcher/process_mark.h"
#include "protocol/operations.h"

namespace launcher {

enum class component_kind { static_pod, systemd, daemon_set, attach, core };

// Whether something of the node is away while dlv is there. attach leaves the component where it is, core is a dead one.
constexpr bool takes_away(component_kind kind) {
    return kind != component_kind::attach && kind != component_kind::core;
}

// Who may start it from elsewhere than root's shell on the node.
enum class remote_start { never, armed, always };

struct component_definition {
    std::string name;  // DNS label
    component_kind kind = component_kind::static_pod;

    // static-pod: the manifest's pod name (default: `name`), and the container where it has several.
    std::string pod;
    std::string container;
    std::string manifest_directory;  // empty: found as the kubelet does
    // daemon-set: its name (default: `name`); and how this node is called, where the kubelet does not tell.
    std::string daemon_set;
    std::string node_name;
    std::string kubeconfig = "/etc/kubernetes/admin.conf";
    bool check_iptables = true;  // of a kube-proxy
    // systemd: the unit. Default: `name`.service. attach: the unit whose main process is meant.
    std::string unit;
    // attach: one of unit, container, process, pid_file says which process it is.
    std::string name_space = "kube-system";  // of the container's pod, or of the DaemonSet
    std::string process;     // base name of the program
    std::string pid_file;
    std::string executable;  // what it must be running; empty: not checked
    // attach: whose process it must be. core: who dlv runs as.
    std::string user;
    // core: the file, or where the newest of them is taken from.
    std::string core_file;
    std::string core_directory;

    std::string binary;        // the debug binary; empty: binary_directory/basename of the original
    std::string binary_directory;
    std::string dlv = "dlv";
    bool allow_other_minor = false;  // binary of another Kubernetes minor version
    std::vector<std::string> extra_arguments;  // after the original ones

    remote_start remote = remote_start::armed;
    protocol::class_set ceiling{protocol::op_class::observe, protocol::op_class::read, protocol::op_class::trace,
                                protocol::op_class::breakpoint, protocol::op_class::control};
    std::uint64_t memory_limit = 8ull << 30;                   // bytes, dlv and debuggee together
    std::chrono::seconds start_timeout{120};                   // until the health endpoint answers
    std::optional<std::chrono::seconds> stop_budget;           // instead of the derived one
    std::chrono::seconds park{0};                              // the longest stop held on purpose beyond it; 0: none
    std::chrono::seconds session_timeout = std::chrono::minutes(10);  // gateway silent: restore
    std::vector<std::uint16_t> ports;                          // that must be free; empty: found
    std::string health;                                        // URL instead of the derived one; "none"
    enum class on_exit { restore, restart, keep } when_exited = on_exit::restore;
};

enum class severity { note, warning, refusal };

// Something a person should know. A refusal stops `start`.
struct finding {
    severity how = severity::note;
    std::string text;  // one line: what, and why it matters
    std::string mend;  // the command or step that mends it; may be empty
};

// One word of the process with where it came from.
struct sourced_word {
    std::string value;
    std::string source;  // "kube-scheduler.yaml command[3]", "drop-in 10-kubeadm.conf", "delvegate: …reason"
};

struct bind_mount {  // made in a private mount namespace
    std::string source;
    std::string target;
    bool read_only = false;
};

struct health_check {
    std::string scheme = "https";  // http or https (not verified: loopback)
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;        // 0: none known
    std::string path = "/healthz";
};

enum class dlv_mode { exec, attach, core };

// The process that takes the component's place, that dlv attaches to, or that a core file is of. argv[0] is the original program; the debug binary replaces it.
struct process_plan {
    dlv_mode mode = dlv_mode::exec;
    process_mark target;            // attach: who
    std::string core;               // core: the file
    bool continue_at_once = false;  // attach: dlv lets it go on as soon as it has it

    std::vector<sourced_word> argv;
    std::vector<std::pair<std::string, sourced_word>> env;
    std::string working_directory = "/";
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::vector<bind_mount> mounts;
    std::vector<std::string> files;     // named by arguments: must be reachable
    std::vector<std::uint16_t> ports;   // that the component listens on
    health_check health;
    std::chrono::seconds grace{30};     // SIGTERM to SIGKILL
    std::vector<std::string> other_containers;  // of the pod: they stop as well
    std::string image_version;          // of what runs: "v1.34.1" by its image's tag, else as it is stamped; empty: not known
};

struct stop_budgets {  // how long it may be kept from its duty (facts §9)
    std::chrono::seconds disturb{0};
    std::chrono::seconds damage{0};
    std::string derivation;  // one line
    // How long it must run freely until one duty counts as done: its rhythm, not a duty that was seen.
    std::chrono::milliseconds duty{10'000};
    std::string duty_derivation = {};  // one line
};

// Our arguments switch its leader election off: while it is out nobody else may be active.
struct sole_instance {
    std::string program;     // "kube-scheduler"
    std::string lease;       // NAMESPACE/NAME that it would hold; empty: it does not use one
    std::string pods;        // NAMESPACE?labelSelector=… of its pods
    std::string node;        // this one
    bool pods_known = false;  // that selector has shown this node's own
    bool tolerated = false;  // another one is warned of, and not the end
};

struct component_plan {
    component_definition definition;
    std::string found_in;      // manifest path or unit fragment
    std::string manifest_hash;  // sha256 hex of the manifest's bytes, of the unit's effective ExecStart + Environment
    process_plan process;
    std::string binary;        // debug binary, absolute
    std::string moved;         // one line: what is moved or patched
    std::string comes_back;    // one line: how
    std::vector<std::string> undo_by_hand;  // shell commands, exact
    stop_budgets budget;
    std::optional<sole_instance> alone;     // looked at again while it runs
    std::uint64_t memory_needed = 0;        // bytes, estimate of dlv's
    std::vector<std::string> needed;        // who must be running for this to work
    std::vector<finding> findings;
    std::string hash;          // of all the above that matters, sha256 hex

    bool refused() const {
        for (auto& f : findings)
            if (f.how == severity::refusal) return true;
        return false;
    }
};

}  // namespace launcher
