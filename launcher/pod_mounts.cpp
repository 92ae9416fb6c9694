#include "launcher/pod_mounts.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "launcher/arguments.h"
#include "launcher/pod_expansion.h"

namespace launcher {
namespace {

// Absolute, without ".", doubled and trailing slashes.
std::string clean(const std::string& path) {
    std::string out = std::filesystem::path("/" + path).lexically_normal().string();
    while (out.starts_with("//")) out.erase(0, 1);
    while (out.size() > 1 && out.ends_with('/')) out.pop_back();
    return out;
}

bool has_backstep(const std::string& path) {
    for (const auto& part : std::filesystem::path(path))
        if (part == "..") return true;
    return false;
}

bool mounts(const std::vector<pod_container>& containers, const std::string& volume, const pod_container* but) {
    return std::any_of(containers.begin(), containers.end(), [&](const pod_container& c) {
        return &c != but && std::any_of(c.mounts.begin(), c.mounts.end(), [&](const auto& m) { return m.volume == volume; });
    });
}

class planner {
public:
    planner(const pod_manifest& manifest, const pod_container& container, const string_map& environment,
            const node_facts& node, std::vector<finding>& findings)
        : manifest_(manifest), container_(container), environment_(environment), node_(node), findings_(findings),
          file_(base_name(manifest.file)) {}

    std::vector<bind_mount> plan() {
        for (const auto& mount : container_.mounts) take(mount);
        std::sort(out_.begin(), out_.end(), [](const auto& a, const auto& b) { return a.target < b.target; });
        if (!out_.empty())
            findings_.push_back({severity::note,
                                 "runs in a mount namespace of its own, for " + std::to_string(out_.size()) +
                                     " of the container's volumes are at another path on the host",
                                 ""});
        return std::move(out_);
    }

private:
    void add(severity how, std::string text, std::string mend = "") {
        findings_.push_back({how, std::move(text), std::move(mend)});
    }

    void take(const pod_mount& mount) {
        const auto* volume = manifest_.volume(mount.volume);
        if (!volume) return;  // the manifest was refused
        const auto sub = sub_path(mount);
        if (!sub) return;
        std::string source;
        switch (volume->from) {
            case pod_volume::source::host_path: source = volume->path; break;
            case pod_volume::source::empty_dir:
                if (!take_empty(*volume)) return;
                source = node_.session_directory + "/" + volume->name;
                break;
            case pod_volume::source::other:
                return add(severity::refusal,
                           file_ + ": the volume " + volume->name + " is a " + volume->other +
                               ", whose files the kubelet makes for a running pod only; hostPath and emptyDir can be "
                               "reproduced",
                           "put the files on the node, and mount them as a hostPath");
        }
        source = clean(sub->empty() ? source : source + "/" + *sub);
        const auto target = clean(mount.path);
        if (source == target) return;
        if (target == "/" || target == "/proc" || target.starts_with("/proc/"))
            return add(severity::refusal, file_ + ": the volume " + volume->name + " is mounted at " + target +
                                              ", which a process on the host cannot do without");
        if (mount.propagation == "Bidirectional")
            add(severity::warning, file_ + ": what is mounted below " + target +
                                       " will not show on the host, as mountPropagation Bidirectional would have it");
        out_.push_back({source, target, mount.read_only});
    }

    bool take_empty(const pod_volume& volume) {
        if (node_.session_directory.empty()) {
            add(severity::refusal, file_ + ": there is no directory to make the emptyDir " + volume.name + " in");
            return false;
        }
        if (mounts(manifest_.init_containers, volume.name, nullptr)) {
            add(severity::refusal,
                file_ + ": an init container fills the emptyDir " + volume.name + ", which ends with the pod",
                "put the files on the node, and mount them as a hostPath");
            return false;
        }
        if (mounts(manifest_.containers, volume.name, &container_))
            add(severity::warning, file_ + ": the emptyDir " + volume.name +
                                       " is shared with containers that stop; the debuggee gets an empty one");
        return true;
    }

    // None: the kubelet would refuse it, and it is among the findings.
    std::optional<std::string> sub_path(const pod_mount& mount) {
        if (mount.sub_path_expr.empty()) return mount.sub_path;
        const std::string here = file_ + ": subPathExpr of the volume " + mount.volume;
        const auto missing = missing_references(mount.sub_path_expr, {&environment_});
        if (!missing.empty()) {
            add(severity::refusal, here + " needs the variable " + missing.front() + ", which is not set or empty");
            return std::nullopt;
        }
        auto path = expand_references(mount.sub_path_expr, {&environment_});
        if (path.starts_with('/') || has_backstep(path)) {
            add(severity::refusal, here + " leads out of the volume");
            return std::nullopt;
        }
        return path;
    }

    const pod_manifest& manifest_;
    const pod_container& container_;
    const string_map& environment_;
    const node_facts& node_;
    std::vector<finding>& findings_;
    const std::string file_;
    std::vector<bind_mount> out_;
};

}  // namespace

std::vector<bind_mount> plan_pod_mounts(const pod_manifest& manifest, const pod_container& container,
                                        const string_map& environment, const node_facts& node,
                                        std::vector<finding>& findings) {
    return planner(manifest, container, environment, node, findings).plan();
}

}  // namespace launcher
