// The checks of what components need: dlv, the kubelet's manifests, kubectl.
#include "gateway/doctor.h"

#include <unistd.h>

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>

#include "launcher/dlv_go_range.h"
#include "launcher/dlv_version.h"
#include "launcher/exec_check.h"
#include "launcher/go_buildinfo.h"
#include "launcher/kubectl_client.h"
#include "launcher/kubelet_config.h"
#include "launcher/live_process.h"
#include "launcher/manifest_search.h"

namespace gateway {
namespace {

void check_manifests(const launcher::launcher_config& configuration, diagnoses& to) {
    std::string found;
    for (const auto& one : configuration.components) {
        if (one.kind != launcher::component_kind::static_pod) continue;
        std::string directory = one.manifest_directory;
        if (directory.empty()) {
            if (found.empty()) {
                const auto kubelet = launcher::find_kubelet();
                if (!kubelet) {
                    to.push_back({"manifests of " + one.name, verdict::fail, kubelet.error(), "systemctl start kubelet, or `manifestDirectory` in launcher.yaml"});
                    continue;
                }
                const auto setup = launcher::read_kubelet_setup(kubelet->argv, kubelet->working_directory);
                if (!setup) {
                    to.push_back({"manifests of " + one.name, verdict::fail, setup.error(), "staticPodPath in the kubelet's configuration"});
                    continue;
                }
                found = setup->manifests;
            }
            directory = found;
        }
        std::vector<launcher::finding> findings;
        const auto manifest = launcher::find_manifest(directory, one.pod.empty() ? one.name : one.pod, findings);
        to.push_back(manifest ? diagnosis{"manifests of " + one.name, verdict::ok, manifest->path, {}}
                              : diagnosis{"manifests of " + one.name, verdict::warn, manifest.error(),
                                          "`pod` in launcher.yaml names it; while the component is out its manifest is held elsewhere"});
    }
}

void check_kubectl(const launcher::launcher_config& configuration, diagnoses& to) {
    std::set<std::string> asked;
    for (const auto& one : configuration.components) {
        if (one.kind != launcher::component_kind::daemon_set || !asked.insert(one.kubeconfig).second) continue;
        if (::geteuid() != 0) {
            to.push_back({"kubectl", verdict::skipped, "only root may read " + one.kubeconfig, "run it as root"});
            continue;
        }
        launcher::kubectl_setup setup;
        setup.program = configuration.kubectl;
        setup.kubeconfig = one.kubeconfig;
        if (::access(one.kubeconfig.c_str(), F_OK) != 0) {
            to.push_back({"kubectl", verdict::fail, "there is no " + one.kubeconfig, kubectl_mend("", one.kubeconfig)});
            continue;
        }
        const auto said = launcher::kubectl_client(setup).get("/version");
        to.push_back(said ? diagnosis{"kubectl", verdict::ok, "the API server answers, by " + one.kubeconfig, {}}
                          : diagnosis{"kubectl", verdict::fail, said.error(), kubectl_mend(said.error(), one.kubeconfig)});
    }
}

}  // namespace

std::string kubectl_mend(const std::string& why, const std::string& kubeconfig) {
    const auto says = [&](std::initializer_list<std::string_view> words) {
        return std::any_of(words.begin(), words.end(), [&](auto one) { return why.find(one) != why.npos; });
    };
    if (why.empty()) return "`kubeconfig` of the component in launcher.yaml names the file; kubeadm's own is /etc/kubernetes/admin.conf";
    if (says({"is not installed", "there is no file"})) return "apt install kubernetes-client, or `kubectl` in launcher.yaml";
    if (says({"is not used: "})) return "as it says: both kubectl and " + kubeconfig + " must be root's, and nobody else's to change";
    if (says({"Unauthorized", "You must be logged in", "certificate has expired", "x509", "Forbidden", "forbidden"}))
        return "the user of " + kubeconfig + " is not let in: a new certificate or token for it, and the rights of docs/kubernetes.md";
    if (says({"refused", "no such host", "i/o timeout", "Timeout", "deadline", "no route", "unreachable", "Unable to connect"}))
        return "is the API server up, and the address in " + kubeconfig + " its? kubectl --kubeconfig=" + kubeconfig + " get --raw /readyz";
    return "kubectl --kubeconfig=" + kubeconfig + " get --raw /version says more";
}

diagnosis check_dlv(const std::string& component, const std::string& dlv, const std::string& program) {
    diagnosis out{"dlv of " + component, verdict::fail, {}, {}};
    const auto path = launcher::find_dlv(dlv);
    const auto version = path ? launcher::version_of(*path) : launcher::outcome<launcher::dlv_version>(boost::system::in_place_error, path.error());
    if (!version) {
        out.text = version.error();
        out.mend = "go install github.com/go-delve/delve/cmd/dlv@latest, and name its path as the component's `dlv`";
        return out;
    }
    const auto range = launcher::go_range_of(*version);
    const auto go = [](const launcher::go_number& number) { return std::to_string(number.major) + "." + std::to_string(number.minor); };
    out.text = *path + " " + to_string(*version) + " debugs Go " + go(range.oldest) + " to " + go(range.newest);
    out.how = verdict::ok;
    if (program.empty()) return out;
    if (const auto runs = launcher::check_program(program); !runs) return {out.check, verdict::fail, runs.error(), "correct `binary` of " + component};
    const auto made_by = launcher::go_version_of(program);
    if (!made_by) return {out.check, verdict::fail, made_by.error(), "build it with Go, and name it as `binary` of " + component};
    const auto own = launcher::go_version_of(*path);
    const auto unfit = launcher::check_dlv_fits(*version, own ? *own : std::string(), *made_by, 0);
    if (unfit) return {out.check, unfit->how == launcher::severity::refusal ? verdict::fail : verdict::warn, program + ": " + unfit->text, unfit->mend};
    out.text += "; " + program + " was made by " + *made_by;
    return out;
}

void check_components(const launcher::launcher_config& configuration, diagnoses& to) {
    std::set<std::string> dlvs;
    for (const auto& one : configuration.components)
        if (dlvs.insert(one.dlv + '\0' + one.binary).second) to.push_back(check_dlv(one.name, one.dlv, one.binary));
    check_manifests(configuration, to);
    check_kubectl(configuration, to);
}

}  // namespace gateway
