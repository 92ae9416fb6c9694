#include "launcher/leadership.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <set>

#include "launcher/arguments.h"
#include "launcher/failed.h"
#include "launcher/json_patch.h"
#include "launcher/kubectl_client.h"
#include "launcher/leader_election.h"
#include "launcher/node_notice.h"
#include "launcher/own_host.h"
#include "launcher/yaml_document.h"

namespace launcher {

namespace {

using protocol::json;

constexpr auto patience = std::chrono::seconds(5);    // of one request
constexpr std::int64_t clock_difference = 60;         // seconds by which the nodes' clocks may differ
constexpr std::size_t shown_at_most = 3;

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

// A holder is HOST_UUID.
bool is_of(const std::string& holder, const std::string& host) {
    return !host.empty() && (lower(holder) == lower(host) || lower(holder).starts_with(lower(host) + "_"));
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// "2026-11-26T11:00:00.000000Z"
std::optional<std::int64_t> time_of(const std::string& text) {
    std::tm parts{};
    if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
                    &parts.tm_min, &parts.tm_sec) != 6)
        return {};
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return ::timegm(&parts);
}

const json::array* items_of(const json& list) {
    const auto* items = list.find("items");
    return items != nullptr ? items->if_array() : nullptr;
}

std::string text_at(const json& object, const char* pointer) {
    const auto* found = at_pointer(object, pointer);
    const auto* text = found != nullptr ? found->if_string() : nullptr;
    return text != nullptr ? std::string(*text) : std::string();
}

std::string joined(const std::vector<std::string>& all) {
    std::string out;
    for (std::size_t i = 0; i < all.size() && i < shown_at_most; ++i) out += (i == 0 ? "" : ", ") + all[i];
    if (all.size() > shown_at_most) out += " and " + std::to_string(all.size() - shown_at_most) + " more";
    return out;
}

// Each step adds others, or says why it cannot tell; the first that cannot ends it: an API that does not answer is not
// asked thrice.
class looking {
public:
    looking(const api_look& look, sole_instance& which, std::int64_t wall) : look_(look), which_(which), wall_(wall) {}

    instances_seen run() {
        if (which_.node.empty()) seen_.unknown = "it is not known how this node is called in the cluster";
        else if (holder() && pods() && !which_.pods_known) nodes();
        return std::move(seen_);
    }

private:
    // None: not there, or seen_.unknown.
    std::optional<json> get(const std::string& path) {
        auto answer = look_(path);
        if (answer) return std::move(*answer);
        seen_.unknown = answer.error();
        return {};
    }

    bool holder() {
        if (which_.lease.empty()) {
            seen_.unknown = "it does not use a Lease (--leader-elect-resource-lock)";
            return true;
        }
        const auto slash = which_.lease.find('/');
        const auto lease = get("/apis/coordination.k8s.io/v1/namespaces/" + which_.lease.substr(0, slash) + "/leases/" +
                               which_.lease.substr(slash + 1));
        if (!lease) return seen_.unknown.empty();
        const auto held_by = text_at(*lease, "/spec/holderIdentity");
        if (held_by.empty() || is_of(held_by, host_name()) || is_of(held_by, which_.node)) return true;
        const auto* spec = lease->find("spec");
        const auto renewed = time_of(text_at(*lease, "/spec/renewTime"));
        if (renewed && *renewed + spec->get_int("leaseDurationSeconds") + clock_difference < wall_) return true;  // has ended
        seen_.others.push_back("the holder of Lease " + which_.lease + ", " + held_by);
        return true;
    }

    bool pods() {
        const auto question = which_.pods.find('?');
        const auto list = get("/api/v1/namespaces/" + which_.pods.substr(0, question) + "/pods" + which_.pods.substr(question));
        if (!list || items_of(*list) == nullptr) {
            if (seen_.unknown.empty()) seen_.unknown = "the API server's list of pods is not understood";
            return false;
        }
        const auto own = own_addresses();
        for (const auto& pod : *items_of(*list)) {
            const auto node = text_at(pod, "/spec/nodeName"), phase = text_at(pod, "/status/phase");
            if (node.empty() || phase == "Succeeded" || phase == "Failed") continue;
            // A node may be called otherwise than its kubelet was told.
            const bool here = node == which_.node || std::find(own.begin(), own.end(), text_at(pod, "/status/hostIP")) != own.end();
            if (here) which_.pods_known = true;
            else seen_.others.push_back("pod " + text_at(pod, "/metadata/name") + " on node " + node);
        }
        return true;
    }

    // Pods with other labels, or none at all: then there must be no other node where one would be.
    void nodes() {
        std::set<std::string> names;
        for (const char* label : {"control-plane", "master"}) {
            const auto list = get(std::string("/api/v1/nodes?labelSelector=node-role.kubernetes.io%2F") + label);
            if (!list || items_of(*list) == nullptr) {
                if (seen_.unknown.empty()) seen_.unknown = "the API server's list of nodes is not understood";
                return;
            }
            for (const auto& node : *items_of(*list)) names.insert(text_at(node, "/metadata/name"));
        }
        if (names.size() == 1 && names.contains(which_.node)) return;
        seen_.unknown = "its pod on this node is not found by its label (" + which_.pods + "), and there are " +
                        (names.empty() ? std::string("no") : std::to_string(names.size())) +
                        " nodes with the role control-plane: those of other nodes cannot be told";
    }

    const api_look& look_;
    sole_instance& which_;
    const std::int64_t wall_;
    instances_seen seen_;
};

}  // namespace

instances_seen other_instances(const api_look& look, sole_instance& which, std::int64_t wall) {
    return looking(look, which, wall).run();
}

api_look api_of(const component_definition& definition, const launcher_config& configuration) {
    auto setup = notice_place_of(configuration).api();
    if (::access(definition.kubeconfig.c_str(), R_OK) == 0) {
        if (!setup) setup.emplace();
        setup->program = configuration.kubectl;
        setup->cache_directory = configuration.runtime_directory + "/.kubectl";
        setup->kubeconfig = definition.kubeconfig;
    }
    if (setup) setup->patience = patience;
    return [setup, file = definition.kubeconfig](const std::string& path) -> outcome<std::optional<json>> {
        if (setup) return kubectl_client(*setup).get(path);
        return failed<std::optional<json>>("there is no " + file + " to ask the API server by");
    };
}

std::string component_pods(const std::string& name_space, const std::map<std::string, std::string, std::less<>>& labels,
                           const std::string& program) {
    for (const char* name : {"component", "app.kubernetes.io/component", "k8s-app"})
        if (const auto found = labels.find(name); found != labels.end())
            return name_space + "?labelSelector=" + query_text(found->first + "=" + found->second);
    return name_space + "?labelSelector=" + query_text("component=" + program);
}

void plan_leadership(component_plan& plan, const std::string& program, const lifecycle_request& request,
                     const leadership_place& place) {
    std::vector<std::string> now;
    for (const auto& word : plan.process.argv) now.push_back(word.value);
    auto before = now;
    before.resize(now.size() - std::min(now.size(), plan.definition.extra_arguments.size()));
    const auto election = [&](const std::vector<std::string>& argv) {
        const auto file = flag_value(argv, "config");
        const auto text = file ? read_regular_file(*file, 1u << 20) : outcome<std::string>(error_text(""));
        return leader_election_of(program, argv, text ? std::optional(*text) : std::nullopt);
    };
    const auto was = election(before), is = election(now);
    // What cannot be read the stop budget's derivation has told already.
    if (!was || !is || !was->takes_part || !was->on) return;
    const auto lease = was->resource_namespace + "/" + was->resource_name;
    const bool another = lease != is->resource_namespace + "/" + is->resource_name;
    if (is->on && !another) return;

    sole_instance which;
    which.program = program;
    const auto lock = flag_value(before, "leader-elect-resource-lock");
    if (!lock || lock->find("leases") != std::string::npos) which.lease = lease;
    which.node = place.node;
    which.pods = place.pods.empty() ? component_pods("kube-system", {}, program) : place.pods;
    which.tolerated = program == "kube-scheduler" || request.forced(force::two_leaders);
    const auto seen = other_instances(place.look, which, std::chrono::duration_cast<std::chrono::seconds>(
                                                            std::chrono::system_clock::now().time_since_epoch()).count());
    const auto off = is->on ? std::string("our arguments make it hold another lease than the others")
                            : "its leader election is switched off by our arguments (" + is->source + ")";
    if (seen.others.empty() && seen.unknown.empty()) {
        plan.findings.push_back({severity::note, off + ", and it is the only instance in the cluster; that is looked at again "
                                                       "while it is out", {}});
    } else {
        const auto why = seen.others.empty() ? ", and whether it is the only instance is not known: " + seen.unknown
                                             : ", and there is another instance: " + joined(seen.others);
        plan.findings.push_back({which.tolerated ? severity::warning : severity::refusal,
                                 off + why + "; two at once do everything twice",
                                 std::string("take that out of extraArgs, or stop the others first") +
                                     (which.tolerated ? "" : "; root may pass --force-two-leaders")});
    }
    plan.alone = std::move(which);
}

void leader_watch::tend(clock::time_point now) {
    if (!look_.valid()) {
        if (now >= next_) look_ = std::async(std::launch::async, ask_);
        return;
    }
    if (look_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    instances_seen seen;
    try {
        seen = look_.get();
    } catch (const std::exception& error) {
        seen.unknown = error.what();
    }
    // The second look, which decides, comes sooner.
    next_ = now + (seen.others.empty() ? rest_ : rest_ / 3);
    if (!seen.others.empty()) {
        ++in_a_row_;
        warning_ = "its leader election is switched off, and there is another instance: " + joined(seen.others) +
                   "; two at once do everything twice";
    } else if (!seen.unknown.empty()) {
        warning_ = "its leader election is switched off, and whether it is the only instance is not known now: " + seen.unknown;
    } else {
        in_a_row_ = 0;
        warning_.clear();
    }
}

}  // namespace launcher
