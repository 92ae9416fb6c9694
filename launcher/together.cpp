#include "launcher/together.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "launcher/arguments.h"
#include "launcher/live_process.h"

namespace launcher {

void forbid_together(component_plan& plan, const std::vector<std::string>& names, const lifecycle_request& request,
                     const std::string& proc) {
    const bool forced = request.forced(force::not_together);
    const auto add = [&](std::string text) {
        plan.findings.push_back({forced ? severity::warning : severity::refusal, std::move(text),
                                 forced ? "" : "root may pass --force-not-together"});
    };
    const auto is_called = [&](std::string_view name) {
        return std::any_of(names.begin(), names.end(), [&](std::string_view each) {
            if (each.ends_with(".service")) each.remove_suffix(std::string_view(".service").size());
            return each == name;
        });
    };
    if (is_called("etcd"))
        add(plan.process.mode == dlv_mode::attach
                ? "etcd is not attached to: the cluster's memory would stand still with it"
                : "etcd is never taken out: every other component depends on it, and another version may write what this one "
                  "cannot read");
    constexpr std::array<std::string_view, 5> balancers{"kube-vip", "haproxy", "keepalived", "nginx", "envoy"};
    for (const auto name : balancers)
        if (is_called(name))
            add(std::string(name) + " may be what the API server is reached through, and nobody could reach the cluster while it "
                                    "stands still");
    // A name in argv is anybody's to choose, and so is who is root in a container.
    for (const auto& each : find_processes("kubeadm", proc))
        if (each.uid == 0 && each.one_uid && !each.in_container && base_name(each.executable) == "kubeadm")
            add("kubeadm runs (pid " + std::to_string(each.pid) + "): wait until it has ended");
}

}  // namespace launcher
