#include "gateway/kubeconfig.h"

#include <openssl/crypto.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "auth/armor.h"
#include "gateway/state_directory.h"

namespace gateway {
namespace {

constexpr std::size_t max_file = 1024 * 1024;

std::string scalar(const YAML::Node& node, const char* key) {
    if (!node.IsMap()) return {};
    const YAML::Node value = node[key];
    return value && value.IsScalar() ? value.Scalar() : std::string();
}

bool given(const YAML::Node& node, const char* key) {
    const YAML::Node value = node[key];
    return value && !value.IsNull() && !(value.IsScalar() && value.Scalar().empty());
}

// The entry of a named list; kubectl takes the first one of a name.
std::optional<YAML::Node> named(const YAML::Node& root, const char* list, const std::string& name) {
    const YAML::Node all = root[list];
    if (!all || !all.IsSequence()) return std::nullopt;
    for (const auto& one : all)
        if (scalar(one, "name") == name) return one;
    return std::nullopt;
}

std::string names_in(const YAML::Node& root, const char* list) {
    std::string out;
    const YAML::Node all = root[list];
    if (all && all.IsSequence())
        for (const auto& one : all) out += (out.empty() ? "" : ", ") + scalar(one, "name");
    return out.empty() ? "none" : out;
}

class reader {
public:
    reader(std::string file, std::string directory) : file_(std::move(file)), directory_(std::move(directory)) {}

    auth::outcome<kube_identity> read(const YAML::Node& root, std::string context) {
        if (!root.IsMap()) return file_ + ": not a kubeconfig";
        if (context.empty()) context = scalar(root, "current-context");
        if (context.empty()) return file_ + " has no current-context; choose one with --kube-context: " + names_in(root, "contexts");
        const auto chosen = named(root, "contexts", context);
        if (!chosen)
            return file_ + " has no context \"" + context + "\"; those there are: " + names_in(root, "contexts");
        kube_identity out;
        out.context = context;
        const YAML::Node inner = (*chosen)["context"];
        out.user = inner ? scalar(inner, "user") : "";
        const auto entry = named(root, "users", out.user);
        const YAML::Node user = entry ? (*entry)["user"] : YAML::Node();
        if (out.user.empty() || !user || !user.IsMap())
            return file_ + ": context " + context + " names the user \"" + out.user + "\", who is not in the file";
        const std::string who = file_ + ": the user " + out.user + " ";
        // kubectl itself lets a certificate win over the others, but then it would not be the one meant.
        for (const auto& [key, what] : {std::pair{"exec", "by the plugin in `exec`"}, {"auth-provider", "by an `auth-provider`"},
                                        {"token", "by a token"}, {"tokenFile", "by a token"}, {"username", "by a password"}})
            if (given(user, key))
                return who + "logs in " + what + ", and a gateway takes client certificates only; use a user with " +
                       "client-certificate and client-key, or `delvegate enroll`";
        if (auto taken = take(user, "client-certificate", who, out.files.certificate, out.files.certificate_pem); !taken)
            return taken.error();
        if (auto taken = take(user, "client-key", who, out.files.key, out.files.key_pem); !taken) return taken.error();
        return out;
    }

private:
    // Data wins over a file, as in kubectl.
    auth::outcome<void> take(const YAML::Node& user, const std::string& key, const std::string& who, std::string& file,
                             std::string& pem) {
        const std::string inline_key = key + "-data";
        if (std::string data = scalar(user, inline_key.c_str()); !data.empty()) {
            std::erase_if(data, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
            auto bytes = auth::from_base64(data);
            OPENSSL_cleanse(data.data(), data.size());
            if (!bytes || bytes->empty()) return who + "has a " + inline_key + " that is not base64";
            pem = std::move(*bytes);
            file = inline_key + " in " + file_;
            return {};
        }
        file = scalar(user, key.c_str());
        if (file.empty())
            return who + "has no " + key + "; a gateway takes client certificates only: use another user, or `delvegate enroll`";
        if (file.front() != '/') file = directory_ + "/" + file;
        return {};
    }

    const std::string file_;
    const std::string directory_;
};

}  // namespace

auth::outcome<kube_identity> parse_kubeconfig(std::string_view text, const std::string& file,
                                              const std::string& directory, const std::string& context) {
    try {
        return reader(file, directory).read(YAML::Load(std::string(text)), context);
    } catch (const YAML::Exception& error) {
        // Its words may quote the file, which holds keys.
        return file + (error.mark.is_null() ? "" : ":" + std::to_string(error.mark.line + 1)) + ": not valid YAML";
    }
}

auth::outcome<kube_identity> read_kubeconfig(const std::string& file, const std::string& context) {
    auto text = read_file(file);
    if (!text) return text.error();
    if (text->size() > max_file) return file + ": longer than 1 MiB; is this a kubeconfig?";
    const auto slash = file.rfind('/');
    auto out = parse_kubeconfig(*text, file, slash == std::string::npos ? "." : file.substr(0, slash), context);
    OPENSSL_cleanse(text->data(), text->size());
    return out;
}

}  // namespace gateway
