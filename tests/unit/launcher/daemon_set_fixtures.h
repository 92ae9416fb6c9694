// kubeadm's kube-proxy as the API server has it, of Kubernetes 1.23 and of a current version.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "launcher/daemon_set_files.h"
#include "protocol/json.h"

namespace launcher {

inline protocol::json json_of(const std::string& text) {
    protocol::json_limits limits;
    limits.fold_keys = false;
    auto value = protocol::parse_json(text, limits);
    EXPECT_TRUE(value.has_value()) << text;
    return value ? *value : protocol::json();
}

// The pod's spec: `more` is what admission and the server have added to it.
inline std::string proxy_spec(const std::string& image, const std::string& tolerations, const std::string& more_mounts = "",
                              const std::string& more_volumes = "", const std::string& more = "") {
    return R"({"priorityClassName":"system-node-critical","containers":[{"name":"kube-proxy","image":")" + image +
           R"(","imagePullPolicy":"IfNotPresent","command":["/usr/local/bin/kube-proxy",)"
           R"j("--config=/var/lib/kube-proxy/config.conf","--hostname-override=$(NODE_NAME)"],)j"
           R"("securityContext":{"privileged":true},"resources":{},)"
           R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","volumeMounts":[)"
           R"({"mountPath":"/var/lib/kube-proxy","name":"kube-proxy"},{"mountPath":"/run/xtables.lock","name":"xtables-lock"},)"
           R"({"mountPath":"/lib/modules","name":"lib-modules","readOnly":true})" + more_mounts +
           R"(],"env":[{"name":"NODE_NAME","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"spec.nodeName"}}}]}],)"
           R"("hostNetwork":true,"serviceAccountName":"kube-proxy","serviceAccount":"kube-proxy","dnsPolicy":"ClusterFirst",)"
           R"("restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30,)"
           R"("volumes":[{"name":"kube-proxy","configMap":{"name":"kube-proxy","defaultMode":420}},)"
           R"({"name":"xtables-lock","hostPath":{"path":"/run/xtables.lock","type":"FileOrCreate"}},)"
           R"({"name":"lib-modules","hostPath":{"path":"/lib/modules","type":""}})" + more_volumes + R"(],)"
           R"("tolerations":[)" + tolerations + R"(],"nodeSelector":{"kubernetes.io/os":"linux"})" + more + "}";
}

struct proxy_version {
    const char* name;
    const char* image;
    const char* tolerations;
};
inline constexpr proxy_version old_proxy{
    "1.23", "k8s.gcr.io/kube-proxy:v1.23.17",
    R"({"key":"CriticalAddonsOnly","operator":"Exists"},{"operator":"Exists"})"};
inline constexpr proxy_version current_proxy{"1.34", "registry.k8s.io/kube-proxy:v1.34.3", R"({"operator":"Exists"})"};

inline protocol::json proxy_daemon_set(const proxy_version& version, const std::string& affinity = "",
                                       const std::string& annotations = R"("deprecated.daemonset.template.generation":"1")") {
    return json_of(R"({"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"kube-proxy","namespace":"kube-system",)"
                   R"("uid":"d5f1","generation":1,"resourceVersion":"305","labels":{"k8s-app":"kube-proxy"})" +
                   (annotations.empty() ? std::string() : R"(,"annotations":{)" + annotations + "}") +
                   R"(},"spec":{"selector":{"matchLabels":{"k8s-app":"kube-proxy"}},"template":{"metadata":{"creationTimestamp":null,)"
                   R"("labels":{"k8s-app":"kube-proxy"}},"spec":)" +
                   proxy_spec(version.image, version.tolerations, "", "", affinity.empty() ? "" : R"(,"affinity":)" + affinity) +
                   R"(},"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":1,"maxSurge":0}},)"
                   R"("revisionHistoryLimit":10},"status":{"currentNumberScheduled":3}})");
}

// Its pod on node n2, as admission has completed it.
inline protocol::json proxy_pod(const proxy_version& version) {
    return json_of(
        R"({"metadata":{"name":"kube-proxy-x7k2p","namespace":"kube-system","uid":"0b1e6f0a-2222-4444-8888-aaaabbbbcccc",)"
        R"("labels":{"k8s-app":"kube-proxy","controller-revision-hash":"6f7b8d9c5","pod-template-generation":"1"},)"
        R"("ownerReferences":[{"apiVersion":"apps/v1","kind":"DaemonSet","name":"kube-proxy","uid":"d5f1","controller":true}]},"spec":)" +
        proxy_spec(version.image, version.tolerations,
                   R"(,{"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount","name":"kube-api-access-8sq2k","readOnly":true})",
                   R"(,{"name":"kube-api-access-8sq2k","projected":{"defaultMode":420,"sources":[)"
                   R"({"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},)"
                   R"({"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},)"
                   R"({"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}]}})",
                   R"(,"nodeName":"n2")") +
        R"(,"status":{"phase":"Running","hostIP":"10.0.0.2","podIP":"10.0.0.2","conditions":[{"type":"Ready","status":"True"}]}})");
}

inline const std::string proxy_config =
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\n"
    "bindAddress: 0.0.0.0\n"
    "# kubeconfig: /var/lib/kube-proxy/kubeconfig.conf is where it is\n"
    "clientConnection:\n"
    "  acceptContentTypes: \"\"\n"
    "  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf\n"
    "  qps: 0\n"
    "conntrack:\n"
    "  maxPerCore: null\n"
    "healthzBindAddress: \"\"\n"
    "metricsBindAddress: 127.0.0.1:20249\n"
    "mode: \"\"\n"
    "kind: KubeProxyConfiguration\n";
inline const std::string proxy_kubeconfig =
    "apiVersion: v1\n"
    "kind: Config\n"
    "clusters:\n"
    "- cluster:\n"
    "    certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt\n"
    "    server: https://control.example:6443\n"
    "  name: default\n"
    "users:\n"
    "- name: default\n"
    "  user:\n"
    "    tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token\n";

// Objects by their API path.
class known_objects {
public:
    void add(const std::string& path, protocol::json object) { objects_[path] = std::move(object); }
    void config_map(const std::string& name, protocol::json::object data) {
        add("/api/v1/namespaces/kube-system/configmaps/" + name, protocol::json::object{{"data", std::move(data)}});
    }
    api_reader reader() {
        return [this](const std::string& path) -> outcome<std::optional<protocol::json>> {
            using found = outcome<std::optional<protocol::json>>;
            if (path == broken) return found(boost::system::in_place_error, "the API server does not answer");
            const auto at = objects_.find(path);
            if (at == objects_.end()) return found(boost::system::in_place_value, std::nullopt);
            return found(boost::system::in_place_value, at->second);
        };
    }
    std::string broken;

private:
    std::map<std::string, protocol::json> objects_;
};

}  // namespace launcher
