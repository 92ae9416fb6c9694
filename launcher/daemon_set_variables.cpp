// A container's variables that come out of the API.
#include <map>

#include "launcher/daemon_set_files.h"

namespace launcher {

using protocol::json;

namespace {

// So that it is the value and no reference in it is looked at.
std::string literal(const std::string& value) {
    std::string out;
    for (const char c : value) out += c == '$' ? std::string("$$") : std::string(1, c);
    return out;
}

bool is_variable_name(const std::string& name) {
    if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
    for (const char c : name)
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
            return false;
    return true;
}

class resolver {
public:
    resolver(pod_manifest& manifest, const api_reader& api, std::vector<finding>& findings)
        : manifest_(manifest), api_(api), findings_(findings) {}

    std::set<std::string> run(pod_container& container) {
        std::vector<pod_variable> out;
        for (const auto& from : container.env_from) {
            const auto space = from.reference.find(' ');
            const auto kind = from.reference.substr(0, space), name = from.reference.substr(space + 1);
            const auto* all = object(kind, name, from.optional, "envFrom");
            if (all == nullptr) continue;
            for (const auto& [key, value] : *all) {
                const auto variable = from.prefix + key;
                if (!is_variable_name(variable)) {
                    findings_.push_back({severity::note, "envFrom: " + kind + " " + name + " has the key " + key +
                                                             ", which is no variable's name: left out, as the kubelet does", {}});
                    continue;
                }
                out.push_back(plain(variable, value));
                if (kind == "Secret") secret_.insert(variable);
                else secret_.erase(variable);
            }
        }
        for (auto& variable : container.env) {
            const bool secret = variable.from == pod_variable::source::secret;
            if (secret || variable.from == pod_variable::source::config_map) {
                const auto slash = variable.reference.find('/');
                const auto name = variable.reference.substr(0, slash), key = variable.reference.substr(slash + 1);
                const std::string kind = secret ? "Secret" : "ConfigMap";
                const auto* all = object(kind, name, variable.optional, "env " + variable.name);
                if (all == nullptr) continue;
                const auto at = all->find(key);
                if (at == all->end()) {
                    if (!variable.optional)
                        findings_.push_back({severity::refusal, "env " + variable.name + ": " + kind + " " + name + " has no key " + key, {}});
                    continue;
                }
                if (secret) secret_.insert(variable.name);
                else secret_.erase(variable.name);
                out.push_back(plain(variable.name, at->second));
            } else if (variable.from == pod_variable::source::field && variable.reference == "metadata.name") {
                out.push_back(plain(variable.name, manifest_.name));
            } else {
                secret_.erase(variable.name);
                out.push_back(variable);
            }
        }
        container.env_from.clear();
        container.env = std::move(out);
        return std::move(secret_);
    }

private:
    static pod_variable plain(const std::string& name, const std::string& value) {
        pod_variable out;
        out.name = name;
        out.value = literal(value);
        return out;
    }

    using data = std::map<std::string, std::string, std::less<>>;
    // Null where it is not there; that is among the findings unless it may be missing.
    const data* object(const std::string& kind, const std::string& name, bool optional, const std::string& where) {
        const auto key = kind + " " + name;
        if (const auto known = known_.find(key); known != known_.end()) return &known->second;
        const auto path = "/api/v1/namespaces/" + manifest_.name_space + (kind == "Secret" ? "/secrets/" : "/configmaps/") + name;
        const auto found = api_(path);
        if (!found || !*found) {
            if (!found) findings_.push_back({severity::refusal, where + ": " + found.error(), {}});
            else if (!optional)
                findings_.push_back({severity::refusal, where + ": there is no " + kind + " " + manifest_.name_space + "/" + name, {}});
            return nullptr;
        }
        auto all = contents_of(**found, kind);
        if (!all) {
            findings_.push_back({severity::refusal, where + ": " + kind + " " + name + ": " + all.error(), {}});
            return nullptr;
        }
        return &known_.emplace(key, std::move(*all)).first->second;
    }

    pod_manifest& manifest_;
    const api_reader& api_;
    std::vector<finding>& findings_;
    std::map<std::string, data> known_;
    std::set<std::string> secret_;
};

}  // namespace

std::set<std::string> resolve_variables(pod_manifest& manifest, pod_container& container, const api_reader& api,
                                        std::vector<finding>& findings) {
    return resolver(manifest, api, findings).run(container);
}

}  // namespace launcher
