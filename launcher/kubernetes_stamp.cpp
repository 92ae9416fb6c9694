#include "launcher/kubernetes_stamp.h"

#include <algorithm>

#include "launcher/rebuild_hint.h"
#include "protocol/printable.h"

namespace launcher {

namespace {

constexpr std::string_view variable = "k8s.io/component-base/version.gitVersion";
constexpr std::string_view commands = "k8s.io/kubernetes/cmd/";
constexpr std::size_t longest_version = 128;

// `-X 'k8s.io/component-base/version.gitVersion=v1.34.1'`, with or without quotes.
std::string from_flags(std::string_view flags) {
    const auto wanted = std::string(variable) + "=";
    const auto at = flags.rfind(wanted);  // the last one wins
    if (at == flags.npos) return {};
    auto value = flags.substr(at + wanted.size());
    return std::string(value.substr(0, value.find_first_of(" \t\"'")));
}

std::string minor_of(const kubernetes_version& version) {
    return std::to_string(version.major) + "." + std::to_string(version.minor);
}

}  // namespace

std::string kubernetes_stamp(const elf_file& file, const go_buildinfo& build) {
    if (const auto symbol = file.data_symbol(variable))
        if (const auto text = file.go_string(symbol->address, longest_version);
            text && !text->empty())
            return protocol::printable(*text);
    return protocol::printable(from_flags(build.setting("-ldflags")).substr(0, longest_version));
}

std::vector<finding> compare_kubernetes_versions(const version_demand& demand,
                                                 const go_buildinfo& build,
                                                 const std::string& stamp) {
    const auto& component = demand.component;
    const bool ours = is_kubernetes_component(component);
    const bool built_there = build.path.starts_with(commands);
    if (!ours && !built_there) return {};
    const auto running = parse_kubernetes_version(demand.running_version);
    const auto mend = rebuild_hint(component, running, build);
    if (built_there) {
        const auto made = build.path.substr(commands.size());
        if (ours && made != component && is_kubernetes_component(made))
            return {{severity::refusal, "it is " + made + ", not " + component,
                     mend + "   # and give its path as `binary`"}};
    }
    const auto other = demand.allow_other_minor ? severity::warning : severity::refusal;
    const std::string danger =
        "a component of another minor version may write what the one that comes back cannot read";
    const auto shown = protocol::printable(demand.running_version);
    if (!running) {
        const auto known = demand.running_version.empty() ? std::string("is not known")
                                                          : "(" + shown + ") is no release";
        return {{severity::warning,
                 "the version of the running " + component + " " + known +
                     ", so it was not compared with the debug binary's (" +
                     (stamp.empty() ? "not stamped" : stamp) + "): " + danger,
                 ""}};
    }
    const auto own = parse_kubernetes_version(stamp);
    if (!own)
        return {{other,
                 "its Kubernetes version is not stamped (" +
                     (stamp.empty() ? "no version in it" : stamp) + "), and " + component +
                     " runs as " + shown + ": " + danger,
                 mend}};
    if (own->major != running->major || own->minor != running->minor)
        return {{other,
                 "it is Kubernetes " + minor_of(*own) + " (" + stamp + "), and " + component +
                     " runs as " + minor_of(*running) + " (" + shown + "): " + danger,
                 mend}};
    if (own->tag != running->tag)
        return {{severity::note,
                 "it is Kubernetes " + stamp + ", and " + component + " runs as " + shown +
                     ": source lines may differ",
                 mend}};
    return {};
}

}  // namespace launcher
