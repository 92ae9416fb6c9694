#include "launcher/daemon_set_pod.h"

#include <charconv>

#include "launcher/arguments.h"
#include "launcher/failed.h"
#include "launcher/json_patch.h"
#include "launcher/yaml_document.h"

namespace launcher {

namespace {

using protocol::json;

std::string text_at(const json& value, std::string_view path) {
    const auto* found = at_pointer(value, path);
    const auto* words = found != nullptr ? found->if_string() : nullptr;
    return words != nullptr ? *words : std::string();
}

const json::array& list_at(const json& value, std::string_view path) {
    static const json::array none;
    const auto* found = at_pointer(value, path);
    return found != nullptr && found->if_array() != nullptr ? *found->if_array() : none;
}

const json* object_at(const json& value, std::string_view path) {
    const auto* found = at_pointer(value, path);
    return found != nullptr && found->is_object() ? found : nullptr;
}

bool is_owned_by(const json& pod, const std::string& uid) {
    for (const auto& owner : list_at(pod, "/metadata/ownerReferences"))
        if (owner.get_string("uid") == uid) return true;
    return false;
}

struct host_port {
    std::string host;
    std::optional<std::uint16_t> port;
};

// "127.0.0.1:10249", "[::]:10256", "10.0.0.1", "".
host_port split(std::string text) {
    host_port out;
    auto colon = text.rfind(':');
    const bool bare_v6 = colon != std::string::npos && text.find(':') != colon && text.find(']') == std::string::npos;
    if (colon != std::string::npos && !bare_v6 && (text.find(']') == std::string::npos || text.find(']') < colon)) {
        std::uint16_t port = 0;
        const auto* end = text.data() + text.size();
        const auto [at, ec] = std::from_chars(text.data() + colon + 1, end, port);
        if (ec == std::errc() && at == end) out.port = port;
        text.resize(colon);
    }
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    out.host = text;
    return out;
}

void take_health(proxy_settings& out, const std::string& text) {
    const auto where = split(text);
    if (where.port) out.health.port = *where.port;
    if (!where.host.empty() && where.host != "0.0.0.0" && where.host != "::") out.health.host = where.host;
}

}  // namespace

outcome<std::string> selector_text(const json& daemon_set) {
    std::string out;
    const auto add = [&](const std::string& one) { out += (out.empty() ? "" : ",") + one; };
    if (const auto* labels = object_at(daemon_set, "/spec/selector/matchLabels"))
        for (const auto& [key, value] : *labels->if_object())
            if (const auto* words = value.if_string()) add(key + "=" + *words);
    for (const auto& each : list_at(daemon_set, "/spec/selector/matchExpressions")) {
        const auto op = each.get_string("operator");
        const std::string key(each.get_string("key"));
        std::string values;
        for (const auto& value : list_at(each, "/values"))
            if (const auto* words = value.if_string()) values += (values.empty() ? "" : ",") + *words;
        if (op == "In") add(key + " in (" + values + ")");
        else if (op == "NotIn") add(key + " notin (" + values + ")");
        else if (op == "Exists") add(key);
        else if (op == "DoesNotExist") add("!" + key);
        else return error_text("the DaemonSet's selector has the operator " + std::string(op) + ", which delvegate does not know");
    }
    if (out.empty()) return error_text("the DaemonSet's selector is empty");
    return text(out);
}

const json* pod_of_node(const json& list, const json& daemon_set, std::string_view node, const json** ending) {
    const auto uid = text_at(daemon_set, "/metadata/uid");
    const json* found = nullptr;
    for (const auto& pod : list_at(list, "/items")) {
        if (text_at(pod, "/spec/nodeName") != node || !is_owned_by(pod, uid)) continue;
        if (!text_at(pod, "/metadata/deletionTimestamp").empty()) {
            if (ending != nullptr) *ending = &pod;
        } else if (const auto phase = text_at(pod, "/status/phase"); phase != "Failed" && phase != "Succeeded") {
            found = &pod;
        }
    }
    return found;
}

bool is_ready(const json& pod) {
    for (const auto& condition : list_at(pod, "/status/conditions"))
        if (condition.get_string("type") == "Ready") return condition.get_string("status") == "True";
    return false;
}

std::string revision_of(const json& pod) { return text_at(pod, "/metadata/labels/controller-revision-hash"); }

std::vector<std::string> host_addresses(const json& pod) {
    std::vector<std::string> out;
    for (const auto& each : list_at(pod, "/status/hostIPs"))
        if (const auto ip = each.get_string("ip"); !ip.empty()) out.emplace_back(ip);
    if (auto one = text_at(pod, "/status/hostIP"); out.empty() && !one.empty()) out.push_back(std::move(one));
    return out;
}

outcome<pod_manifest> manifest_of_pod(const json& pod, const std::string& file) {
    json metadata = json::object{};
    for (const auto* key : {"name", "namespace", "uid", "labels", "annotations"})
        if (const auto* value = at_pointer(pod, std::string("/metadata/") + key)) metadata.set(key, *value);
    json whole = json::object{{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", std::move(metadata)}};
    if (const auto* spec = pod.find("spec")) whole.set("spec", *spec);
    return parse_pod_manifest(protocol::to_text(whole), file);
}

proxy_settings read_proxy_settings(const std::vector<std::string>& argv, const std::optional<std::string>& config) {
    proxy_settings out;
    if (!config) {
        if (const auto mode = flag_value(argv, "proxy-mode")) out.mode = *mode;
        if (const auto health = flag_value(argv, "healthz-bind-address")) take_health(out, *health);
        if (const auto metrics = flag_value(argv, "metrics-bind-address"))
            if (const auto port = split(*metrics).port) out.metrics = *port;
        return out;
    }
    const auto document = parse_yaml(*config, "config");
    if (!document) return out;
    const auto value_of = [&](const char* key) {
        const auto* found = document->find(key);
        return found != nullptr && found->what == yaml_value::kind::text ? found->scalar : std::string();
    };
    out.mode = value_of("mode");
    take_health(out, value_of("healthzBindAddress"));
    if (const auto port = split(value_of("metricsBindAddress")).port) out.metrics = *port;
    return out;
}

}  // namespace launcher
