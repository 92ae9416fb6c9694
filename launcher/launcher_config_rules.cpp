// Which keys of a component belong together.
#include <algorithm>

#include "launcher/guard_filter.h"
#include "launcher/launcher_config_table.h"

namespace launcher {

namespace {

using kind = component_kind;

std::string settle_attach(component_definition& out) {
    const int ways = !out.unit.empty() + !out.container.empty() + !out.process.empty() + !out.pid_file.empty();
    if (ways > 1) return "says in more than one way which process to attach to: give one of unit, container, process and pidFile";
    if (ways == 0) out.unit = out.name + ".service";
    if (out.user.empty()) out.user = "root";
    // A name or a number is anybody's who comes first.
    if ((!out.process.empty() || !out.pid_file.empty()) && out.executable.empty())
        return "needs an `executable`: a name or a number alone does not say which program it is";
    return {};
}

std::string settle_core(component_definition& out, bool ceiling_given) {
    using protocol::op_class;
    const protocol::class_set all{op_class::observe, op_class::read};
    if (out.core_file.empty() == out.core_directory.empty()) return "needs a `coreFile`, or a `coreDir`";
    if (out.user.empty()) out.user = "nobody";
    if (out.user == "root" || out.user == "0") return "cannot have its core file read by root: give another `user`";
    if (!ceiling_given) out.ceiling = all;
    if (!out.ceiling.within(all)) return "is dead: its `ceiling` can be of observe and read only";
    return {};
}

}  // namespace

std::vector<component_kind> kinds_of_key(std::string_view key) {
    struct rule {
        std::string_view key;
        std::vector<kind> kinds;
    };
    static const std::vector<rule> rules{
        {"pod", {kind::static_pod, kind::attach}},
        {"container", {kind::static_pod, kind::daemon_set, kind::attach}},
        {"manifestDirectory", {kind::static_pod}},
        {"unit", {kind::systemd, kind::attach}},
        {"namespace", {kind::daemon_set, kind::attach}},
        {"daemonSet", {kind::daemon_set}},
        {"nodeName", {kind::daemon_set}},
        {"kubeconfig", {kind::static_pod, kind::daemon_set, kind::systemd}},
        {"checkIptables", {kind::daemon_set}},
        {"process", {kind::attach}},
        {"pidFile", {kind::attach}},
        {"executable", {kind::attach}},
        {"user", {kind::attach, kind::core}},
        {"coreFile", {kind::core}},
        {"coreDir", {kind::core}},
        {"binaryDir", {kind::static_pod, kind::daemon_set, kind::systemd, kind::core}},
        {"allowOtherMinor", {kind::static_pod, kind::daemon_set, kind::systemd}},
        {"extraArgs", {kind::static_pod, kind::daemon_set, kind::systemd}},
        {"ports", {kind::static_pod, kind::daemon_set, kind::systemd}},
        {"health", {kind::static_pod, kind::daemon_set, kind::systemd}},
        {"stopBudget", {kind::static_pod, kind::daemon_set, kind::systemd, kind::attach}},
        {"park", {kind::static_pod, kind::daemon_set, kind::systemd, kind::attach}},
        {"onExit", {kind::static_pod, kind::daemon_set, kind::systemd}},
    };
    const auto found = std::ranges::find(rules, key, &rule::key);
    return found == rules.end() ? std::vector<kind>() : found->kinds;
}

std::string clash_of(const launcher_config& all, const component_definition& one) {
    const auto text = [](const std::string& other, const std::string& what) {
        return "is of " + what + ", and so is `" + other + "`: one thing is taken out by one component";
    };
    for (const auto& each : all.components) {
        if (each.name == one.name) return "there are two components called `" + one.name + "`";
        if (each.kind != one.kind) continue;
        const auto pre = "`" + one.name + "` ";
        switch (one.kind) {
            case kind::static_pod: {
                const bool same_place = each.manifest_directory == one.manifest_directory || each.manifest_directory.empty() ||
                                        one.manifest_directory.empty();
                if (each.pod == one.pod && same_place) return pre + text(each.name, "the pod " + one.pod);
                break;
            }
            case kind::systemd:
                if (each.unit == one.unit) return pre + text(each.name, one.unit);
                break;
            case kind::daemon_set:
                if (each.daemon_set == one.daemon_set && each.name_space == one.name_space)
                    return pre + text(each.name, "the DaemonSet " + one.name_space + "/" + one.daemon_set);
                break;
            case kind::attach:
            case kind::core: break;  // nothing is taken away
        }
    }
    return {};
}

std::string names_of(const std::vector<component_kind>& kinds) {
    std::string out;
    for (std::size_t i = 0; i < kinds.size(); ++i)
        out += (i == 0 ? "" : i + 1 == kinds.size() ? " or " : ", ") + std::string(to_string(kinds[i]));
    return out;
}

std::string settle(component_definition& definition, bool ceiling_given) {
    if (const auto flaw = flaw_of(definition.ceiling); flaw && definition.kind != kind::core) return "has " + *flaw;
    if (definition.kind == kind::attach) return settle_attach(definition);
    if (definition.binary.empty() && definition.binary_directory.empty())
        return "needs a debug binary: give `binary`, or `binaryDir`";
    if (definition.kind == kind::core) return settle_core(definition, ceiling_given);
    if (definition.kind == kind::systemd && definition.unit.empty()) definition.unit = definition.name + ".service";
    if (definition.kind == kind::static_pod && definition.pod.empty()) definition.pod = definition.name;
    if (definition.kind == kind::daemon_set && definition.daemon_set.empty()) definition.daemon_set = definition.name;
    return {};
}

}  // namespace launcher
