#include "launcher/leader_election.h"

#include <array>

#include "launcher/arguments.h"
#include "launcher/yaml_document.h"

namespace launcher {
namespace {

constexpr std::array<std::string_view, 3> candidates{"kube-scheduler", "kube-controller-manager",
                                                     "cloud-controller-manager"};

outcome<void> read_config(const std::string& text, const std::string& file, leader_election& out) {
    const auto document = parse_yaml(text, file);
    if (!document) return document.error();
    const auto* section = document->find("leaderElection");
    if (!section) return {};
    const auto duration = [&](const char* key, std::chrono::milliseconds& value) {
        const auto* member = section->find(key);
        if (!member) return;
        if (const auto read = parse_go_duration(member->scalar); read && read->count() > 0) value = *read;
    };
    if (const auto* on = section->find("leaderElect"); on && on->what == yaml_value::kind::boolean) {
        out.on = on->truth();
        out.source = "leaderElection.leaderElect in " + file;
    }
    duration("leaseDuration", out.lease);
    duration("renewDeadline", out.renew);
    duration("retryPeriod", out.retry);
    if (const auto* name = section->find("resourceName"); name && !name->scalar.empty()) out.resource_name = name->scalar;
    if (const auto* space = section->find("resourceNamespace"); space && !space->scalar.empty())
        out.resource_namespace = space->scalar;
    return {};
}

}  // namespace

outcome<leader_election> leader_election_of(std::string_view component, const std::vector<std::string>& argv,
                                            const std::optional<std::string>& config) {
    leader_election out;
    for (const auto candidate : candidates) out.takes_part |= component == candidate;
    if (!out.takes_part) return out;
    out.on = true;
    out.source = "the default";
    out.resource_name = component;
    // Of the three only the scheduler has such a file.
    if (const auto file = flag_value(argv, "config"); file && component == "kube-scheduler") {
        if (!config)
            out.unread_config = *file;
        else if (const auto read = read_config(*config, *file, out); !read)
            return read.error();
    }
    if (const auto on = flag_bool(argv, "leader-elect")) {
        out.on = *on;
        out.source = *on ? "--leader-elect=true" : "--leader-elect=false";
    }
    const auto duration = [&](const char* flag, std::chrono::milliseconds& value) {
        if (const auto read = flag_duration(argv, flag); read && read->count() > 0) value = *read;
    };
    duration("leader-elect-lease-duration", out.lease);
    duration("leader-elect-renew-deadline", out.renew);
    duration("leader-elect-retry-period", out.retry);
    if (const auto name = flag_value(argv, "leader-elect-resource-name")) out.resource_name = *name;
    if (const auto space = flag_value(argv, "leader-elect-resource-namespace")) out.resource_namespace = *space;
    return out;
}

}  // namespace launcher
