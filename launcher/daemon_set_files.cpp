#include "launcher/daemon_set_files.h"

#include <algorithm>
#include <map>

#include "launcher/arguments.h"
#include "launcher/base64.h"
#include "launcher/failed.h"
#include "launcher/pod_environment.h"
#include "launcher/yaml_document.h"

namespace launcher {

namespace {

using protocol::json;

constexpr std::chrono::seconds shortest_life{600};  // that the API server grants
constexpr std::chrono::seconds own_life{3600};

bool is_below(const std::string& path) {
    if (path.empty() || path.front() == '/' || path.find('\0') != std::string::npos) return false;
    for (std::size_t at = 0; at <= path.size();) {
        const auto slash = std::min(path.find('/', at), path.size());
        const auto part = path.substr(at, slash - at);
        if (part.empty() || part == "." || part.starts_with("..")) return false;
        at = slash + 1;
    }
    return true;
}

const json::array& items_of(const json& value, std::string_view key) {
    static const json::array none;
    const auto* found = value.find(key);
    return found != nullptr && found->if_array() != nullptr ? *found->if_array() : none;
}

class reader {
public:
    reader(const pod_manifest& manifest, const pod_container& container, const node_facts& node, const api_reader& api,
           std::vector<finding>& findings)
        : manifest_(manifest), container_(container), node_(node), api_(api), findings_(findings) {}

    std::optional<made_volume> volume(const json& value, bool of_account) {
        made_volume out;
        out.name = value.get_string("name");
        if (of_account) {
            account(out);
        } else if (const auto* map = value.find("configMap")) {
            object(out, "ConfigMap", std::string(map->get_string("name")), *map);
            mode(out, *map);
        } else if (const auto* secret = value.find("secret")) {
            object(out, "Secret", std::string(secret->get_string("secretName")), *secret);
            mode(out, *secret);
        } else if (const auto* downward = value.find("downwardAPI")) {
            fields(out, *downward);
        } else if (const auto* projected = value.find("projected")) {
            for (const auto& source : items_of(*projected, "sources")) one_source(out, source);
            mode(out, *projected);
        } else {
            return std::nullopt;
        }
        return out;
    }

private:
    void refuse(const std::string& text, std::string mend = {}) {
        findings_.push_back({severity::refusal, text, std::move(mend)});
    }

    void origin(made_volume& out, const std::string& what) { out.origin += (out.origin.empty() ? "" : ", ") + what; }

    void add(made_volume& out, made_file file, const std::string& path) {
        if (!is_below(path)) return refuse("volume " + out.name + ": " + path + " is no path below it");
        file.path = out.name + "/" + path;
        std::erase_if(out.files, [&](const auto& each) { return each.path == file.path; });  // the later one counts
        out.files.push_back(std::move(file));
    }

    void mode(made_volume& out, const json& source) {
        if ((source.get_int("defaultMode") & 0100) != 0)
            for (auto& each : out.files) each.executable = true;
    }

    void account(made_volume& out) {
        origin(out, "the ServiceAccount " + manifest_.service_account);
        made_file token;
        token.secret = true;
        token.token = token_wish{{}, own_life};
        add(out, std::move(token), "token");
        made_file name_space;
        name_space.content = manifest_.name_space;
        add(out, std::move(name_space), "namespace");
        const auto found = api_(path_of("ConfigMap", "kube-root-ca.crt"));
        made_file ca;
        if (found && *found)
            if (const auto* data = (*found)->find("data")) ca.content = data->get_string("ca.crt");
        if (ca.content.empty()) {
            if (auto own = read_regular_file("/etc/kubernetes/pki/ca.crt", 1u << 20)) ca.content = std::move(*own);
        }
        if (ca.content.empty())
            return refuse("the cluster's certificate authority is neither in the ConfigMap " + manifest_.name_space +
                          "/kube-root-ca.crt nor in /etc/kubernetes/pki/ca.crt" + (found ? "" : ": " + found.error()));
        add(out, std::move(ca), "ca.crt");
    }

    void one_source(made_volume& out, const json& source) {
        if (const auto* map = source.find("configMap")) return object(out, "ConfigMap", std::string(map->get_string("name")), *map);
        if (const auto* secret = source.find("secret")) return object(out, "Secret", std::string(secret->get_string("name")), *secret);
        if (const auto* downward = source.find("downwardAPI")) return fields(out, *downward);
        if (const auto* token = source.find("serviceAccountToken")) {
            made_file file;
            file.secret = true;
            file.token = token_wish{std::string(token->get_string("audience")),
                                    std::max(shortest_life, std::chrono::seconds(token->get_int("expirationSeconds", 3600)))};
            origin(out, "a token of the ServiceAccount " + manifest_.service_account);
            return add(out, std::move(file), std::string(token->get_string("path")));
        }
        refuse("volume " + out.name + " is made of a " +
               (source.if_object() != nullptr && !source.if_object()->empty() ? source.if_object()->front().first : "source") +
               ", which delvegate cannot make");
    }

    std::string path_of(const std::string& kind, const std::string& name) const {
        return "/api/v1/namespaces/" + manifest_.name_space + (kind == "Secret" ? "/secrets/" : "/configmaps/") + name;
    }

    void object(made_volume& out, const std::string& kind, const std::string& name, const json& source) {
        origin(out, kind + " " + name);
        const bool optional = source.get_bool("optional");
        const auto found = api_(path_of(kind, name));
        if (!found) return refuse("volume " + out.name + ": " + found.error());
        if (!*found) {
            if (!optional) refuse("volume " + out.name + ": there is no " + kind + " " + manifest_.name_space + "/" + name);
            return;
        }
        auto all = contents(**found, kind);
        if (!all) return refuse(kind + " " + name + ": " + all.error());
        const auto& items = items_of(source, "items");
        if (items.empty())
            for (auto& [key, content] : *all) add(out, {{}, content, false, kind == "Secret", {}}, key);
        for (const auto& item : items) {
            const auto at = all->find(item.get_string("key"));
            if (at != all->end())
                add(out, {{}, at->second, (item.get_int("mode") & 0100) != 0, kind == "Secret", {}},
                    std::string(item.get_string("path")));
            else if (!optional)
                refuse("volume " + out.name + ": " + kind + " " + name + " has no key " + std::string(item.get_string("key")));
        }
    }

    void fields(made_volume& out, const json& source) {
        origin(out, "the pod's own fields");
        for (const auto& item : items_of(source, "items")) {
            // As a variable of the same reference would have it.
            pod_container one = container_;
            one.env_from.clear();
            pod_variable variable;
            variable.name = "FIELD";
            if (const auto* field = item.find("fieldRef")) {
                variable.from = pod_variable::source::field;
                variable.reference = field->get_string("fieldPath");
            } else if (const auto* resource = item.find("resourceFieldRef")) {
                variable.from = pod_variable::source::resource;
                variable.reference = resource->get_string("resource");
                variable.container = resource->get_string("containerName");
                variable.divisor = resource->get_string("divisor");
            }
            std::string content;
            if (variable.reference == "metadata.labels") content = whole_map(manifest_.labels);
            else if (variable.reference == "metadata.annotations") content = whole_map(manifest_.annotations);
            else if (variable.reference == "metadata.name") content = manifest_.name;
            else {
                one.env = {variable};
                std::vector<finding> faults;
                auto facts = node_;
                facts.live.reset();
                auto made = make_pod_environment(manifest_, one, facts, faults);
                if (!made.variables.contains("FIELD")) {
                    refuse("volume " + out.name + ": " + variable.reference + " of the pod is not known here");
                    continue;
                }
                content = made.variables["FIELD"];
            }
            add(out, {{}, content, false, false, {}}, std::string(item.get_string("path")));
        }
    }

    // As Go's %q has it, for what labels may hold.
    static std::string whole_map(const string_map& map) {
        std::string out;
        for (const auto& [key, value] : map) {
            if (!out.empty()) out += '\n';
            out += key + "=" + protocol::to_text(json(value));
        }
        return out;
    }

public:
    // data and, of what is not text, binaryData.
    static outcome<std::map<std::string, std::string, std::less<>>> contents(const json& object, const std::string& kind) {
        std::map<std::string, std::string, std::less<>> out;
        const auto take = [&](const char* member, bool encoded) -> std::string {
            const auto* data = object.find(member);
            if (data == nullptr || data->if_object() == nullptr) return {};
            for (const auto& [key, value] : *data->if_object()) {
                const auto* bytes = value.if_string();
                auto decoded = bytes == nullptr ? std::nullopt : encoded ? decode_base64(*bytes) : std::optional(*bytes);
                if (!decoded) return "its key " + key + " cannot be read";
                out[key] = std::move(*decoded);
            }
            return {};
        };
        auto fault = take("data", kind == "Secret");
        if (fault.empty()) fault = take("binaryData", true);
        if (!fault.empty()) return failed<std::map<std::string, std::string, std::less<>>>(fault);
        return out;
    }

private:
    const pod_manifest& manifest_;
    const pod_container& container_;
    const node_facts& node_;
    const api_reader& api_;
    std::vector<finding>& findings_;
};

}  // namespace

outcome<std::map<std::string, std::string, std::less<>>> contents_of(const json& object, const std::string& kind) {
    return reader::contents(object, kind);
}

std::vector<made_volume> read_made_volumes(const json& volumes, const pod_manifest& manifest, const pod_container& container,
                                           const node_facts& node, const api_reader& api, std::vector<finding>& findings) {
    std::vector<made_volume> out;
    if (volumes.if_array() == nullptr) return out;
    reader read(manifest, container, node, api, findings);
    for (const auto& each : *volumes.if_array()) {
        const auto name = each.get_string("name");
        bool mounted = false, of_account = false;
        for (const auto& mount : container.mounts) {
            if (mount.volume != name) continue;
            mounted = true;
            of_account = of_account || mount.path == account_directory;
        }
        if (!mounted) continue;
        if (auto made = read.volume(each, of_account)) out.push_back(std::move(*made));
    }
    return out;
}

std::vector<path_mapping> mappings_of(const std::vector<made_volume>& volumes, const pod_container& container,
                                      const std::string& directory) {
    std::vector<path_mapping> out;
    for (const auto& mount : container.mounts)
        for (const auto& volume : volumes)
            if (volume.name == mount.volume) {
                auto from = mount.path;
                while (from.size() > 1 && from.ends_with('/')) from.pop_back();
                add_mapping(out, from, directory + "/" + volume.name + (mount.sub_path.empty() ? "" : "/" + mount.sub_path));
            }
    return out;
}

}  // namespace launcher
