// What a plan says of the debug binary, of dlv, and of how long the component may be stopped.
#include "launcher/arguments.h"
#include "launcher/config_of_process.h"
#include "launcher/debug_binary.h"
#include "launcher/detacher.h"
#include "launcher/dlv_version.h"
#include "launcher/go_buildinfo.h"
#include "launcher/kubelet_config.h"
#include "launcher/leader_election.h"
#include "launcher/live_process.h"
#include "launcher/stop_budget.h"
#include "launcher/yaml_document.h"

#include <charconv>

namespace launcher {

namespace {

std::vector<std::string> words(const component_plan& plan) {
    std::vector<std::string> argv;
    for (const auto& word : plan.process.argv) argv.push_back(word.value);
    return argv;
}

// 34 of "v1.34.1"; 0 where it says nothing of the kind.
int minor_of(std::string_view version) {
    const auto dot = version.find('.');
    int minor = 0;
    if (dot != version.npos) std::from_chars(version.data() + dot + 1, version.data() + version.size(), minor);
    return minor;
}

std::optional<std::string> text_of(const std::string& file) {
    auto text = read_regular_file(file, 1u << 20);  // a FIFO or an endless file must not hold root up
    if (!text) return {};
    return *text;
}

// What --config names is in the process's own root directory, which is a container's where it runs in one.
std::optional<std::string> config_text(component_plan& plan, const std::string& file) {
    if (plan.process.mode != dlv_mode::attach) return text_of(file);
    auto text = read_file_of(plan.process.target, file);
    if (text) return *text;
    plan.findings.push_back({severity::warning, text.error() + "; the stop budget is derived without it", {}});
    return {};
}

}  // namespace

outcome<void> check_dlv(const component_definition& definition, examined_files& seen) {
    const auto dlv = find_dlv(definition.dlv);
    if (!dlv) return dlv.error();
    const auto file = open_guarded(*dlv);
    if (!file) return file.error();
    if (!file->unsafe.empty()) return "dlv of " + definition.name + " is not run as root: " + file->unsafe + "; " + file->mend;
    seen.dlv = file->identity;
    return {};
}

outcome<void> plan_binary(component_plan& plan, const std::string& original, const std::string& running_version,
                          const lifecycle_request& request, examined_files& seen) {
    const auto refuse = [&](std::string text, std::string mend = {}) {
        plan.findings.push_back({severity::refusal, std::move(text), std::move(mend)});
    };
    const auto safe = check_dlv(plan.definition, seen);
    const auto dlv = safe ? find_dlv(plan.definition.dlv) : outcome<std::string>(error_text(safe.error()));
    const auto version = dlv ? version_of(*dlv) : outcome<dlv_version>(dlv.error());
    if (!version) refuse(version.error());
    const auto path = find_debug_binary(plan.definition, base_name(original));
    if (!path) {
        refuse(path.error());
        return {};
    }
    plan.binary = *path;
    binary_expectations expected;
    expected.component = base_name(original);
    expected.running_version = running_version;
    expected.allow_other_minor = plan.definition.allow_other_minor || request.forced(force::other_minor);
    if (version) expected.dlv = *version;
    if (dlv)
        if (const auto go = go_version_of(*dlv)) expected.dlv_go = *go;
    auto examined = examine_debug_binary(*path, expected);
    if (!examined) {
        refuse(examined.error());
        return {};
    }
    plan.binary = examined->path;
    seen.binary = examined->identity;
    plan.memory_needed = examined->memory_needed;
    for (auto& each : examined->findings) plan.findings.push_back(std::move(each));
    if (plan.definition.memory_limit != 0 && plan.memory_needed > plan.definition.memory_limit)
        refuse("dlv alone needs about " + std::to_string(plan.memory_needed >> 20) + " MiB for " + plan.binary +
                   ", more than the component's memoryLimit",
               "raise memoryLimit of " + plan.definition.name + " in launcher.yaml");
    return {};
}

void plan_budget(component_plan& plan, const std::string& program) {
    const auto argv = words(plan);
    budget_facts facts;
    facts.minor = minor_of(plan.process.image_version);
    if (program == "kubelet") {
        if (const auto lease = node_lease_of(argv, plan.process.working_directory)) facts.node_lease = *lease;
        else
            plan.findings.push_back({severity::warning, lease.error() + "; its node lease is taken to be of " +
                                     std::to_string(facts.node_lease.count()) + " s", {}});
    }
    for (const auto& manager : find_processes("kube-controller-manager"))
        if (manager.of_the_kubelet) facts.controller_manager = manager.argv;
    const auto config = flag_value(argv, "config");
    if (auto election = leader_election_of(program, argv, config ? config_text(plan, *config) : std::nullopt))
        facts.election = *election;
    else
        plan.findings.push_back({severity::warning, election.error(), {}});
    plan.budget = derive_budget(program, argv, facts);
    if (plan.definition.stop_budget) {
        plan.budget.damage = *plan.definition.stop_budget;
        plan.budget.disturb = std::min(plan.budget.disturb, plan.budget.damage);
        plan.budget.derivation = "stopBudget in launcher.yaml";
    }
}

}  // namespace launcher
