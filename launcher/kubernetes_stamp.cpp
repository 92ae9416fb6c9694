#include "launcher/kubernetes_stamp.h"

#include <algorithm>
#include <cstring>

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

std::string kubernetes_release_in_data(const elf_file& file) {
    constexpr std::size_t largest = 256u << 20, shortest = 6;
    const auto data = file.section(".data", largest);
    std::string found;
    // A Go string is a pointer and a length, each 8 bytes; variables are aligned to them.
    for (std::size_t at = 0; at + 16 <= data.size(); at += 8) {
        std::uint64_t pointer = 0, length = 0;
        std::memcpy(&pointer, data.data() + at, sizeof pointer);
        std::memcpy(&length, data.data() + at + 8, sizeof length);
        if (pointer == 0 || length < shortest || length > longest_version) continue;
        const auto text = file.memory(pointer, length);
        if (!text || text->front() != 'v') continue;
        if (text->starts_with("v0.0.0-master")) return {};  // it was never stamped, and what else there is is somebody else's
        if (!parse_kubernetes_version(*text)) continue;
        if (!found.empty() && found != *text) return {};
        found = *text;
    }
    return protocol::printable(found);
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
        return {{ours ? other : severity::warning,
                 "the version of the running " + component + " " + known +
                     ", so it was not compared with the debug binary's (" +
                     (stamp.empty() ? "not stamped" : stamp) + "): " + danger,
                 ours && !demand.allow_other_minor
                     ? "ask it for its --version; if it is the same minor version, root may pass --force-other-minor"
                     : ""}};
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
