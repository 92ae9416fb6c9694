#include "launcher/pod_reading.h"

#include <array>

namespace launcher::pod_reading {
namespace {

constexpr std::int64_t max_id = 2'147'483'647;

std::uint16_t port_number(const yaml_field& field) { return static_cast<std::uint16_t>(field.integer(1, 65535)); }

// "Default value first" fields of the API are absent or one of these.
void check_one_of(const yaml_field& field, std::initializer_list<std::string_view> values) {
    const auto text = field.text();
    for (const auto value : values)
        if (text == value) return;
    field.fail("is no value that it may have");
}

// Exactly one member of these.
std::string only_member(const yaml_field& field, const char* what) {
    const auto members = field.others({});
    if (members.size() != 1) field.fail(std::string("must be exactly one ") + what);
    return members.front();
}

void read_reference(const yaml_field& from, pod_variable& out) {
    const auto keyed = [&](const char* member, const char* name, pod_variable::source source) {
        const auto selector = from.need(member);
        out.from = source;
        out.reference = selector.text_of(name) + "/" + selector.need("key").text();
        out.optional = selector.truth_of("optional");
    };
    const auto source = only_member(from, "source");
    if (source == "fieldRef") {
        out.from = pod_variable::source::field;
        out.reference = from.need(source).need("fieldPath").text();
    } else if (source == "resourceFieldRef") {
        const auto resource = from.need(source);
        out.from = pod_variable::source::resource;
        out.reference = resource.need("resource").text();
        out.container = resource.text_of("containerName");
        if (const auto divisor = resource.get("divisor")) out.divisor = divisor->quantity();
    } else if (source == "secretKeyRef") {
        keyed("secretKeyRef", "name", pod_variable::source::secret);
    } else if (source == "configMapKeyRef") {
        keyed("configMapKeyRef", "name", pod_variable::source::config_map);
    } else if (source == "fileKeyRef") {
        keyed("fileKeyRef", "path", pod_variable::source::file);
    } else {
        from.fail("has a source that delvegate does not know: " + source);
    }
}

pod_variable read_variable(const yaml_field& field) {
    pod_variable out;
    const auto name = field.need("name");
    out.name = name.text();
    if (!is_variable(out.name)) name.fail("is no name of a variable");
    out.value = field.text_of("value");
    if (const auto from = field.get("valueFrom")) {
        if (!out.value.empty()) field.fail("has both a value and valueFrom");
        read_reference(*from, out);
    }
    return out;
}

pod_variables_from read_variables_from(const yaml_field& field) {
    pod_variables_from out;
    out.prefix = field.text_of("prefix");
    const auto config_map = field.get("configMapRef"), secret = field.get("secretRef");
    if (config_map.has_value() == secret.has_value()) field.fail("must have one of configMapRef and secretRef");
    const auto& source = config_map ? *config_map : *secret;
    out.reference = (config_map ? "ConfigMap " : "Secret ") + source.need("name").text();
    out.optional = source.truth_of("optional");
    return out;
}

pod_port read_port(const yaml_field& field) {
    pod_port out;
    out.port = port_number(field.need("containerPort"));
    if (const auto name = field.get("name")) {
        out.name = name->text();
        if (!out.name.empty() && !is_port_name(out.name)) name->fail("is no name of a port");
    }
    if (const auto host = field.get("hostPort"))
        if (const auto number = host->integer(0, 65535)) out.host_port = static_cast<std::uint16_t>(number);
    if (const auto protocol = field.get("protocol")) {
        check_one_of(*protocol, {"TCP", "UDP", "SCTP"});
        out.protocol = protocol->text();
    }
    return out;
}

void check_no_backsteps(const yaml_field& field, const std::string& path) {
    for (std::size_t at = 0; at <= path.size();) {
        const auto slash = std::min(path.find('/', at), path.size());
        if (path.substr(at, slash - at) == "..") field.fail("must not contain '..'");
        at = slash + 1;
    }
}

pod_mount read_mount(const yaml_field& field) {
    pod_mount out;
    out.volume = field.need("name").text();
    const auto path = field.need("mountPath");
    out.path = path.text();
    if (out.path.empty()) path.fail("is empty");
    out.read_only = field.truth_of("readOnly");
    out.sub_path_expr = field.text_of("subPathExpr");
    if (const auto sub = field.get("subPath")) {
        out.sub_path = sub->text();
        if (out.sub_path.starts_with('/')) sub->fail("must be relative");
        check_no_backsteps(*sub, out.sub_path);
    }
    if (!out.sub_path.empty() && !out.sub_path_expr.empty()) field.fail("has both subPath and subPathExpr");
    out.propagation = field.text_of("mountPropagation");
    return out;
}

std::string port_or_name(const yaml_field& field) {
    if (field.value().what == yaml_value::kind::integer) return std::to_string(field.integer(1, 65535));
    const auto name = field.text();
    if (!is_port_name(name)) field.fail("is neither a port's number nor its name");
    return name;
}

pod_probe read_probe(const yaml_field& field) {
    pod_probe out;
    const auto http = field.get("httpGet"), tcp = field.get("tcpSocket"), grpc = field.get("grpc"),
               exec = field.get("exec");
    if (http.has_value() + tcp.has_value() + grpc.has_value() + exec.has_value() != 1)
        field.fail("must have exactly one action");
    if (http) {
        out.how = pod_probe::action::http;
        if (const auto scheme = http->get("scheme")) {
            check_one_of(*scheme, {"HTTP", "HTTPS"});
            out.scheme = scheme->text();
        }
        out.path = http->text_of("path", "/");
        if (out.path.empty()) out.path = "/";
    } else if (tcp) {
        out.how = pod_probe::action::tcp;
    } else if (grpc) {
        out.how = pod_probe::action::grpc;
    }
    if (const auto& action = http ? http : tcp ? tcp : grpc) {
        out.host = grpc ? "" : action->text_of("host");
        out.port = port_or_name(action->need("port"));
    }
    if (const auto period = field.get("periodSeconds"))
        if (const auto seconds = period->integer(0, max_id)) out.period = static_cast<int>(seconds);
    if (const auto failures = field.get("failureThreshold"))
        if (const auto count = failures->integer(0, max_id)) out.failures = static_cast<int>(count);
    return out;
}

std::optional<pod_probe> probe_of(const yaml_field& field, const char* name) {
    const auto probe = field.get(name);
    return probe ? std::optional(read_probe(*probe)) : std::nullopt;
}

string_map quantities(const yaml_field& field) {
    string_map out;
    for (const auto& [key, value] : field.value().members) out[key] = yaml_field(value, field.path() + "." + key).quantity();
    return out;
}

}  // namespace

pod_security read_security(const yaml_field& field) {
    pod_security out;
    const auto id = [](const yaml_field& f) { return static_cast<std::uint32_t>(f.integer(0, max_id)); };
    if (const auto user = field.get("runAsUser")) out.user = id(*user);
    if (const auto group = field.get("runAsGroup")) out.group = id(*group);
    if (const auto group = field.get("fsGroup")) out.fs_group = id(*group);
    for (const auto& group : field.list_of("supplementalGroups")) out.supplemental_groups.push_back(id(group));
    if (const auto non_root = field.get("runAsNonRoot")) out.run_as_non_root = non_root->truth();
    out.privileged = field.truth_of("privileged");
    out.others = field.others({"runAsUser", "runAsGroup", "fsGroup", "supplementalGroups", "runAsNonRoot", "privileged",
                               "fsGroupChangePolicy", "supplementalGroupsPolicy"});
    return out;
}

pod_container read_container(const yaml_field& field) {
    pod_container out;
    const auto name = field.need("name");
    out.name = name.text();
    if (!is_label(out.name)) name.fail("is no name of a container");
    out.image = field.text_of("image");
    if (out.image.empty()) field.fail("has no image");
    if (const auto command = field.get("command")) out.command = command->texts();
    if (const auto args = field.get("args")) out.args = args->texts();
    for (const auto& item : field.list_of("env")) out.env.push_back(read_variable(item));
    for (const auto& item : field.list_of("envFrom")) out.env_from.push_back(read_variables_from(item));
    out.working_dir = field.text_of("workingDir");
    for (const auto& item : field.list_of("ports")) out.ports.push_back(read_port(item));
    for (const auto& item : field.list_of("volumeMounts")) out.mounts.push_back(read_mount(item));
    if (const auto security = field.get("securityContext")) out.security = read_security(*security);
    out.liveness = probe_of(field, "livenessProbe");
    out.readiness = probe_of(field, "readinessProbe");
    out.startup = probe_of(field, "startupProbe");
    if (const auto lifecycle = field.get("lifecycle")) {
        out.post_start = lifecycle->get("postStart").has_value();
        out.pre_stop = lifecycle->get("preStop").has_value();
    }
    if (const auto resources = field.get("resources")) {
        if (const auto limits = resources->get("limits")) out.limits = quantities(*limits);
        if (const auto requests = resources->get("requests")) out.requests = quantities(*requests);
    }
    out.restart_policy = field.text_of("restartPolicy");
    out.others = field.others({"name", "image", "imagePullPolicy", "command", "args", "env", "envFrom", "workingDir",
                               "ports", "volumeMounts", "securityContext", "livenessProbe", "readinessProbe",
                               "startupProbe", "lifecycle", "resources", "restartPolicy", "resizePolicy",
                               "terminationMessagePath", "terminationMessagePolicy"});
    return out;
}

pod_volume read_volume(const yaml_field& field) {
    pod_volume out;
    const auto name = field.need("name");
    out.name = name.text();
    if (!is_label(out.name)) name.fail("is no name of a volume");
    // An emptyDir is written {}, which says nothing but is a source all the same.
    std::vector<std::string> sources;
    for (const auto& [key, value] : field.value().members)
        if (key != "name" && value.what != yaml_value::kind::null) sources.push_back(key);
    if (sources.empty()) return out;  // the API's default is an emptyDir
    if (sources.size() > 1) field.fail("has more than one source");
    const auto source = field.need(sources.front());
    if (sources.front() == "emptyDir") {
        out.in_memory = source.text_of("medium") == "Memory";
    } else if (sources.front() == "hostPath") {
        out.from = pod_volume::source::host_path;
        const auto path = source.need("path");
        out.path = path.text();
        if (out.path.empty()) path.fail("is empty");
        check_no_backsteps(path, out.path);
        if (const auto type = source.get("type")) {
            check_one_of(*type, {"", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice",
                                 "BlockDevice"});
            out.type = type->text();
        }
    } else {
        out.from = pod_volume::source::other;
        out.other = sources.front();
    }
    return out;
}

}  // namespace launcher::pod_reading
