// Whether a component whose leader election our arguments switch off is the only instance of itself: without election two
// at once do everything twice.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "launcher/launcher_config.h"
#include "launcher/lifecycle_request.h"
#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "protocol/json.h"

namespace launcher {

// The object at a path of the API; none where there is no such object.
using api_look = std::function<outcome<std::optional<protocol::json>>(const std::string& path)>;

struct instances_seen {
    std::vector<std::string> others;  // "pod kube-scheduler-n2 on node n2"
    std::string unknown;              // not empty: whether there are (more) others could not be told, and why
};

// By who holds its Lease, by its pods on other nodes, and where those of this node are not found by their label, by whether this
// is the only control-plane node. Learns which.pods_known. `wall` is the time of now, in seconds since the epoch.
instances_seen other_instances(const api_look& look, sole_instance& which, std::int64_t wall);

// The API as root reaches it on this node: by the component's kubeconfig, else as the node's annotation is made.
api_look api_of(const component_definition& definition, const launcher_config& configuration);

struct leadership_place {
    api_look look;
    std::string node;                       // this one's name; empty: not known
    std::string pods;  // as in sole_instance; empty: those of kubeadm's form
};
// Nothing to say of a component that takes no part in elections, or whose election is as it was before our extraArgs. Else
// plan.alone and one finding: a note where it is the only one; where it is not, or that is not known, a warning for
// kube-scheduler and by root's --force-two-leaders, and a refusal for all others.
void plan_leadership(component_plan& plan, const std::string& program, const lifecycle_request& request,
                     const leadership_place& place);
// "NAMESPACE?labelSelector=…" of pods that carry one of the labels by which components are told apart.
std::string component_pods(const std::string& name_space, const std::map<std::string, std::string, std::less<>>& labels,
                           const std::string& program);

// The same while it is out: asked every now and then, in a thread of its own, since an API may take long to answer.
class leader_watch {
public:
    using clock = std::chrono::steady_clock;
    explicit leader_watch(std::function<instances_seen()> ask, std::chrono::milliseconds rest = std::chrono::seconds(30))
        : ask_(std::move(ask)), rest_(rest) {}
    // Returns at once.
    void tend(clock::time_point now = clock::now());
    bool looking() const { return look_.valid(); }
    // One line for status; empty: it is alone, or nothing is known yet.
    const std::string& warning() const { return warning_; }
    // Another one was there, twice in a row.
    bool two() const { return in_a_row_ >= 2; }

private:
    std::function<instances_seen()> ask_;
    const std::chrono::milliseconds rest_;
    std::future<instances_seen> look_;
    clock::time_point next_{};
    std::string warning_;
    unsigned in_a_row_ = 0;
};

}  // namespace launcher
