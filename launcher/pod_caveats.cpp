#include "launcher/pod_caveats.h"

#include <algorithm>

#include "launcher/arguments.h"

namespace launcher {
namespace {

std::string joined(const std::vector<std::string>& items) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : ", ") + item;
    return out;
}

class report {
public:
    report(const pod_manifest& manifest, const pod_container& container, std::vector<finding>& findings)
        : manifest_(manifest), container_(container), findings_(findings), file_(base_name(manifest.file)) {}

    void run() {
        kind_of_pod();
        network();
        confinement();
        other_containers();
        rest();
    }

private:
    void add(severity how, const std::string& text, std::string mend = "") {
        findings_.push_back({how, file_ + ": " + text, std::move(mend)});
    }

    void kind_of_pod() {
        if (manifest_.labels.contains("revision") && (file_.ends_with("-pod.yaml") || file_.ends_with("-pod.json")))
            add(severity::refusal, "this is OpenShift's, whose operators put the manifest back at every revision; "
                                   "it is not supported");
    }

    void network() {
        if (!manifest_.host_network)
            add(severity::refusal, "hostNetwork is not true: the pod's network ends with the pod, and the process would "
                                   "run in the node's");
        if (manifest_.dns_policy == "ClusterFirstWithHostNet" || manifest_.dns_policy == "None")
            add(severity::warning, "dnsPolicy " + manifest_.dns_policy +
                                       ": the process asks the node's DNS, where names of Services are not known");
        if (manifest_.dns_config) add(severity::warning, "dnsConfig: the process uses the node's resolv.conf");
        if (manifest_.host_aliases) add(severity::warning, "hostAliases: the process uses the node's /etc/hosts");
    }

    void confinement() {
        auto lacks = container_.security.others;
        for (const auto& other : manifest_.security.others)
            if (std::find(lacks.begin(), lacks.end(), other) == lacks.end()) lacks.push_back(other);
        std::erase_if(lacks, [](const auto& name) { return name == "sysctls"; });
        add(severity::note, "the container's confinement" + (lacks.empty() ? "" : " (" + joined(lacks) + ")") +
                                " is not reproduced, for dlv needs to trace; the process runs on the host");
        if (container_.security.privileged) return;
        for (const char* strong : {"seLinuxOptions", "readOnlyRootFilesystem", "appArmorProfile"})
            if (std::find(lacks.begin(), lacks.end(), strong) != lacks.end())
                add(severity::warning, std::string(strong) + ": files that the process makes may be other than the "
                                                             "container would make them, or in the way of it later");
    }

    void other_containers() {
        std::vector<std::string> others, done;
        for (const auto& c : manifest_.containers)
            if (&c != &container_) others.push_back(c.name);
        for (const auto& c : manifest_.init_containers) (c.restart_policy == "Always" ? others : done).push_back(c.name);
        if (!others.empty())
            add(severity::warning, "these containers of the pod stop as well: " + joined(others));
        if (!done.empty())
            add(severity::note, "these init containers run again when the pod returns: " + joined(done));
        if (manifest_.share_process_namespace && !others.empty())
            add(severity::warning, "shareProcessNamespace: the containers signal each other, and the others are gone");
    }

    void rest() {
        if (container_.post_start)
            add(severity::warning, "lifecycle.postStart has run for the container and does not run for the debuggee");
        if (container_.pre_stop)
            add(severity::note, "lifecycle.preStop runs when the pod is removed, and not when the debuggee is stopped");
        if (!container_.limits.empty())
            add(severity::note, "resource limits are not applied; the component's memoryLimit counts for dlv and debuggee");
        for (const auto& name : container_.others)
            add(severity::warning, "the container's " + name + " is not reproduced");
        for (const auto& name : manifest_.others) add(severity::warning, "the pod's " + name + " is not reproduced");
    }

    const pod_manifest& manifest_;
    const pod_container& container_;
    std::vector<finding>& findings_;
    const std::string file_;
};

}  // namespace

void report_caveats(const pod_manifest& manifest, const pod_container& container, std::vector<finding>& findings) {
    report(manifest, container, findings).run();
}

}  // namespace launcher
