#include "launcher/pod_environment.h"

#include <algorithm>
#include <array>
#include <optional>

#include "launcher/arguments.h"
#include "launcher/pod_expansion.h"
#include "launcher/pod_quantity.h"

namespace launcher {
namespace {

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

std::string joined(const std::vector<std::string>& items, const char* between) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : between) + item;
    return out;
}

// The Service default/kubernetes, which the kubelet names to every container when it has an API server.
constexpr std::array<std::string_view, 9> service_variables{
    "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT",       "KUBERNETES_SERVICE_PORT_HTTPS",
    "KUBERNETES_PORT",         "KUBERNETES_PORT_443_TCP",       "KUBERNETES_PORT_443_TCP_PROTO",
    "KUBERNETES_PORT_443_TCP_PORT", "KUBERNETES_PORT_443_TCP_ADDR", "KUBERNETES_SERVICE_PORT_HTTP"};

// What the runtime or the image adds to every container.
constexpr std::array<std::string_view, 4> runtime_variables{"PATH", "HOSTNAME", "HOME", "TERM"};

template <class Names>
bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

class maker {
public:
    maker(const pod_manifest& manifest, const pod_container& container, const node_facts& node,
          std::vector<finding>& findings)
        : manifest_(manifest), container_(container), node_(node), findings_(findings), file_(base_name(manifest.file)) {}

    pod_environment make() {
        if (node_.live)
            for (const auto& [name, value] : node_.live->environment)
                if (contains(service_variables, name)) services_[name] = value;
        for (const auto& from : container_.env_from) take_all(from);
        for (const auto& variable : container_.env) take(variable);

        pod_environment out;
        const auto add = [&](const std::string& name, sourced_word word) {
            if (!table_.contains(name)) out.process.emplace_back(name, std::move(word));
        };
        add("PATH", {node_.root_path, "delvegate: the PATH of root, for the image's is not known"});
        add("HOME", {"/", "delvegate: as the container runtime sets it"});
        for (auto& [name, source] : order_) out.process.emplace_back(name, sourced_word{table_[name], source});
        for (const auto& [name, value] : services_)
            add(name, {value, "live process " + std::to_string(node_.live->pid) + ": the Service kubernetes"});
        out.variables = table_;
        out.variables.insert(services_.begin(), services_.end());
        report_rest(out);
        return out;
    }

private:
    void refuse(std::string text, std::string mend = "") {
        findings_.push_back({severity::refusal, std::move(text), std::move(mend)});
    }

    std::optional<std::string> live_value(std::string_view name) const {
        if (!node_.live) return std::nullopt;
        for (const auto& [variable, value] : node_.live->environment)
            if (variable == name) return value;
        return std::nullopt;
    }

    void take_all(const pod_variables_from& from) {
        refuse(file_ + ": envFrom takes variables from the " + from.reference +
                   ", which a static pod may not, and which cannot be had while it is out",
               "write the variables into env");
    }

    void set(const std::string& name, std::string value, std::string source) {
        if (!table_.contains(name)) order_.emplace_back(name, source);
        else
            for (auto& [known, its_source] : order_)
                if (known == name) its_source = source;
        table_[name] = std::move(value);
    }

    void take(const pod_variable& variable) {
        const std::string here = file_ + " env " + variable.name;
        if (variable.from == pod_variable::source::value) {
            auto value = expand_references(variable.value, {&table_, &services_});
            const bool expanded = value != variable.value;
            return set(variable.name, std::move(value), here + (expanded ? ", $(…) expanded" : ""));
        }
        if (variable.from != pod_variable::source::field && variable.from != pod_variable::source::resource) {
            // Not even from the live process: a Secret's value would stand in the plan.
            if (variable.optional && node_.live && !live_value(variable.name)) return;
            return refuse(here + ": " + what_of(variable), "write the value into env, or give a file");
        }
        if (auto value = referred(variable)) return set(variable.name, *value, here + ": " + variable.reference);
        if (auto value = live_value(variable.name))
            return set(variable.name, *value, "live process " + std::to_string(node_.live->pid) + ", for " + here);
        refuse(here + ": " + variable.reference + " is not known here, and no live process shows its value",
               "try again while the component runs under the kubelet; or write the value into env");
    }

    static std::string what_of(const pod_variable& variable) {
        switch (variable.from) {
            case pod_variable::source::secret: return "the Secret's key " + variable.reference + " cannot be read for a static pod";
            case pod_variable::source::config_map:
                return "the ConfigMap's key " + variable.reference + " cannot be read for a static pod";
            default: return "the key " + variable.reference + " of a file is in the pod only";
        }
    }

    std::optional<std::string> referred(const pod_variable& variable) const {
        if (variable.from == pod_variable::source::field) return field(variable.reference);
        if (variable.from == pod_variable::source::resource) return resource(variable);
        return std::nullopt;
    }

    static std::optional<std::string> subscript(const std::string& path, const char* map) {
        const std::string start = std::string(map) + "['";
        if (!path.starts_with(start) || !path.ends_with("']") || path.size() < start.size() + 2) return std::nullopt;
        return path.substr(start.size(), path.size() - start.size() - 2);
    }

    static std::string value_in(const string_map& map, const std::string& key) {
        const auto at = map.find(key);
        return at == map.end() ? "" : at->second;
    }

    std::optional<std::string> known(const std::string& value) const {
        return value.empty() ? std::nullopt : std::optional(value);
    }

    std::optional<std::string> field(const std::string& path) const {
        if (path == "metadata.name") {
            if (node_.node_name.empty()) return std::nullopt;
            return manifest_.name + "-" + lower(node_.node_name);
        }
        if (path == "metadata.namespace") return manifest_.name_space;
        if (path == "metadata.uid") return known(manifest_.uid);
        if (path == "spec.nodeName") return known(node_.node_name);
        if (path == "spec.serviceAccountName") return manifest_.service_account;
        // With the host's network the pod's address is the node's.
        if (path == "status.hostIP" || path == "status.podIP")
            return node_.addresses.empty() ? std::nullopt : std::optional(node_.addresses.front());
        if (path == "status.hostIPs" || path == "status.podIPs") return known(joined(node_.addresses, ","));
        if (const auto key = subscript(path, "metadata.labels")) return value_in(manifest_.labels, *key);
        if (const auto key = subscript(path, "metadata.annotations")) {
            if (*key == "kubernetes.io/config.source") return "file";
            // The kubelet's own: made when it reads the file.
            if (key->starts_with("kubernetes.io/config.") && !manifest_.annotations.contains(*key)) return std::nullopt;
            return value_in(manifest_.annotations, *key);
        }
        return std::nullopt;
    }

    static std::optional<std::string> divided(std::optional<std::uint64_t> value, std::optional<std::uint64_t> divisor) {
        if (!value || !divisor || *divisor == 0) return std::nullopt;
        return std::to_string(*value / *divisor + (*value % *divisor != 0));
    }

    std::optional<std::string> resource(const pod_variable& variable) const {
        const auto dot = variable.reference.find('.');
        if (dot == std::string::npos) return std::nullopt;
        const auto kind = variable.reference.substr(0, dot), name = variable.reference.substr(dot + 1);
        if (kind != "limits" && kind != "requests") return std::nullopt;
        const auto* of = variable.container.empty() ? &container_ : manifest_.find(variable.container);
        if (!of) return std::nullopt;
        const bool cpu = name == "cpu";
        const auto read = [&](const std::string& text) { return cpu ? quantity_milli(text) : quantity_whole(text); };
        // Zero is as good as no divisor.
        auto divisor = read(variable.divisor.empty() ? "1" : variable.divisor);
        if (divisor && *divisor == 0) divisor = read("1");
        const auto limit = of->limits.find(name), request = of->requests.find(name);
        if (kind == "requests" && request != of->requests.end()) return divided(read(request->second), divisor);
        if (limit != of->limits.end()) return divided(read(limit->second), divisor);
        if (kind == "requests") return divided(0, divisor);
        if (cpu) return divided(node_.allocatable_cpu_milli, divisor);
        return name == "memory" ? divided(node_.allocatable_memory, divisor) : std::nullopt;
    }

    void report_rest(const pod_environment& made) const {
        if (!node_.live) return;
        std::vector<std::string> rest;
        for (const auto& [name, value] : node_.live->environment) {
            const bool has = std::any_of(made.process.begin(), made.process.end(),
                                         [&, n = name](const auto& entry) { return entry.first == n; });
            if (!has && !contains(runtime_variables, name)) rest.push_back(name);
        }
        if (!rest.empty())
            findings_.push_back({severity::warning,
                                 "the live process has variables that the manifest does not set (of its image): " +
                                     joined(rest, ", ") + "; they are not reproduced",
                                 "write them into env if the component needs them"});
    }

    const pod_manifest& manifest_;
    const pod_container& container_;
    const node_facts& node_;
    std::vector<finding>& findings_;
    const std::string file_;
    string_map table_, services_;
    std::vector<std::pair<std::string, std::string>> order_;  // names as they come, with their sources
};

}  // namespace

pod_environment make_pod_environment(const pod_manifest& manifest, const pod_container& container,
                                     const node_facts& node, std::vector<finding>& findings) {
    return maker(manifest, container, node, findings).make();
}

}  // namespace launcher
