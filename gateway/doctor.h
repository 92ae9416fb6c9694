// What `delvegate doctor` finds out: each check looks at one thing, changes nothing, and says how to mend what is wrong.
//
// No check prints what is secret: files are named, never shown.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/policy.h"
#include "gateway/ask_gateway.h"
#include "gateway/config.h"
#include "gateway/laptop_place.h"
#include "launcher/exposed_dlv.h"
#include "launcher/launcher_config.h"
#include "protocol/json.h"

namespace gateway {

enum class verdict { ok, warn, fail, skipped };
std::string_view to_string(verdict how);  // "skipped"

struct diagnosis {
    std::string check;  // "certificate", "port 7443"
    verdict how = verdict::ok;
    std::string text;   // one line: what was found; of what is skipped, because of what
    std::string mend;   // the command or step that mends it; may be empty
};
using diagnoses = std::vector<diagnosis>;

// The whole: lines for people (what others have named is made printable), or {"checks":[…],"failed":N,"warnings":N}.
std::string doctor_text(const diagnoses& all);
protocol::json doctor_json(const diagnoses& all);
bool any_failed(const diagnoses& all);

// --- of any host

// Headless dlvs that listen elsewhere than on loopback. Pure.
diagnosis judge_exposed(const launcher::dlv_survey& found);
// By what the kernel says of its clock: whether something keeps it right.
diagnosis check_clock();
// A certificate's file and its key's: readable, of each other, strong, the key its owner's alone, for how long still.
diagnosis judge_pair(const std::string& check, const auth::tls_files& files, const std::string& renew, long long now);

// --- of a node

struct node_place {
    gateway_place gateway;
    std::string launcher_config{launcher::default_launcher_config};
    bool launcher_named = false;  // on the command line: it must be there
};
// Whether this host is one: it has a configuration or a running gateway or launcher.
bool is_node(const node_place& where);
diagnoses check_node(const node_place& where, long long now);

// Pieces of it.
// /var/lib/delvegate or /run/delvegate, which a gateway of another user than root's must come through.
diagnosis judge_node_directory(const std::string& path, uid_t owner, mode_t mode);
// What a running gateway tells (`/v1/status`): components that are down, the audit and its anchors, files that it could not read again.
diagnoses judge_status(const protocol::json& status);
diagnosis judge_policy(const auth::policy& policy, const std::vector<component_config>& components, const std::string& file);
// Whose socket at a port is right: the gateway's, by its pid, where it answers; of a laptop a `connect` of this user's.
struct port_owner {
    bool answers = false;
    pid_t gateway = 0;
    std::optional<uid_t> connect_of{};
};
// Who listens where `where` would, all addresses of a port being in the way of each. The tables are read, and the kernel asked
// where they do not tell; a port is never held.
diagnosis judge_port(const host_port& where, const std::vector<launcher::tcp_listener>& listeners, const port_owner& own);
// What listens on this host, in the network namespace that this is.
std::vector<launcher::tcp_listener> listening_here();
// `scope`: of yama, -1 without; `traced`: what the kernel said when a child asked to be traced, 0: yes.
diagnosis judge_ptrace(int scope, int traced);
// Of one component: what the launcher says of what is out, and what could not be put back.
diagnosis judge_out(const protocol::json& status);
void check_components(const launcher::launcher_config& configuration, diagnoses& to);  // dlv, manifests, kubectl
// Of what kubectl said; nothing: there is no such kubeconfig.
std::string kubectl_mend(const std::string& why, const std::string& kubeconfig);
// dlv, and whether it is fit for the program; an empty program is not looked at.
diagnosis check_dlv(const std::string& component, const std::string& dlv, const std::string& program);

// --- of a laptop

struct doctor_laptop_place {
    laptop_place gateway;
    std::string folder;  // that an IDE opens
};
bool is_laptop(const doctor_laptop_place& where);
diagnoses check_laptop(const doctor_laptop_place& where, long long now);

// `date`: of the gateway's answer (RFC 9110); `now` and `then`: when it was asked and had answered, by this host.
diagnosis judge_skew(const std::string& date, long long now, long long then);

}  // namespace gateway
