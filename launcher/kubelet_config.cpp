#include "launcher/kubelet_config.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "launcher/arguments.h"
#include "launcher/yaml_document.h"

namespace launcher {
namespace {

namespace fs = std::filesystem;

std::string absolute(const std::string& path, const std::string& directory) {
    if (path.empty() || path.front() == '/') return path;
    return (fs::path(directory) / path).lexically_normal().string();
}

struct setting {
    std::string value;
    std::string source;
};

// What the configuration file and its drop-ins say; a later one replaces what an earlier one said.
struct kubelet_file {
    std::optional<setting> manifests, manifests_url, endpoint;
    std::optional<std::chrono::milliseconds> file_check;
    std::optional<long> node_lease;
};

outcome<void> read_file(const std::string& path, const std::string& root, kubelet_file& out) {
    const auto bytes = read_regular_file(root + path);
    if (!bytes) return "the kubelet's configuration: " + bytes.error();
    const auto document = parse_yaml(*bytes, path);
    if (!document) return "the kubelet's configuration: " + document.error();
    if (document->what != yaml_value::kind::map) return "the kubelet's configuration: " + path + ": not a map of keys";
    const auto text = [&](const char* key, std::optional<setting>& value) -> outcome<void> {
        const auto* member = document->find(key);
        if (!member || member->what == yaml_value::kind::null) return {};
        if (member->what != yaml_value::kind::text)
            return "the kubelet's configuration: " + path + ": " + key + " is no text";
        value = setting{member->scalar, std::string(key) + " in " + path};
        return {};
    };
    if (auto done = text("staticPodPath", out.manifests); !done) return done;
    if (out.manifests && out.manifests->source.ends_with(path))
        out.manifests->value = absolute(out.manifests->value, fs::path(path).parent_path());
    if (auto done = text("staticPodURL", out.manifests_url); !done) return done;
    if (auto done = text("containerRuntimeEndpoint", out.endpoint); !done) return done;
    if (const auto* member = document->find("fileCheckFrequency"))
        if (const auto time = parse_go_duration(member->scalar); time && time->count() > 0) out.file_check = time;
    if (const auto* member = document->find("nodeLeaseDurationSeconds")) {
        long seconds = 0;
        const auto& digits = member->scalar;
        if (std::from_chars(digits.data(), digits.data() + digits.size(), seconds).ec == std::errc() && seconds > 0)
            out.node_lease = seconds;
    }
    return {};
}

// In the order in which the kubelet walks them: by name, into directories where they come.
outcome<void> read_drop_ins(const std::string& directory, const std::string& root, kubelet_file& out, int depth = 0) {
    std::error_code ec;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator at(root + directory, ec), end; !ec && at != end; at.increment(ec)) entries.push_back(*at);
    if (ec) return "the kubelet's drop-ins: " + directory + ": " + ec.message();
    if (depth > 16) return "the kubelet's drop-ins: " + directory + ": nested too deeply";
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.path().filename() < b.path().filename(); });
    for (const auto& entry : entries) {
        const std::string path = directory + "/" + entry.path().filename().string();
        if (entry.symlink_status(ec).type() == fs::file_type::directory) {
            if (auto done = read_drop_ins(path, root, out, depth + 1); !done) return done;
        } else if (entry.path().extension() == ".conf") {
            if (auto done = read_file(path, root, out); !done) return done;
        }
    }
    return {};
}

std::string with_scheme(const std::string& endpoint) {
    return endpoint.starts_with('/') ? "unix://" + endpoint : endpoint;
}

void find_runtime(const std::vector<std::string>& argv, const kubelet_file& file, const std::string& root,
                  kubelet_setup& out) {
    // dockershim, which is gone since Kubernetes 1.24, was the default of the flag.
    if (flag_value(argv, "container-runtime") == "docker") {
        out.cri_endpoint = "docker";
        out.cri_source = "--container-runtime of the kubelet";
        return;
    }
    if (const auto given = flag_value(argv, "container-runtime-endpoint"); given && !given->empty()) {
        out.cri_endpoint = with_scheme(*given);
        out.cri_source = "--container-runtime-endpoint of the kubelet";
        return;
    }
    if (file.endpoint && !file.endpoint->value.empty()) {
        out.cri_endpoint = with_scheme(file.endpoint->value);
        out.cri_source = file.endpoint->source;
        return;
    }
    kubelet_file instance;  // kubeadm's, since 1.32
    if (read_file("/var/lib/kubelet/instance-config.yaml", root, instance) && instance.endpoint &&
        !instance.endpoint->value.empty()) {
        out.cri_endpoint = with_scheme(instance.endpoint->value);
        out.cri_source = instance.endpoint->source;
        return;
    }
    for (const std::string socket : {"/var/run/dockershim.sock", "/run/containerd/containerd.sock",
                                     "/run/crio/crio.sock", "/var/run/cri-dockerd.sock",
                                     "/run/k3s/containerd/containerd.sock"}) {
        std::error_code ec;
        if (!fs::exists(root + socket, ec)) continue;
        out.cri_endpoint = socket.ends_with("dockershim.sock") ? "docker" : "unix://" + socket;
        out.cri_source = "the socket that is there";
        return;
    }
}

outcome<kubelet_file> read_files(const std::vector<std::string>& argv, const std::string& working_directory, const std::string& root) {
    kubelet_file file;
    if (const auto path = flag_value(argv, "config"); path && !path->empty())
        if (auto done = read_file(absolute(*path, working_directory), root, file); !done) return error_text(done.error());
    if (const auto path = flag_value(argv, "config-dir"); path && !path->empty())
        if (auto done = read_drop_ins(absolute(*path, working_directory), root, file); !done) return error_text(done.error());
    return outcome<kubelet_file>(boost::system::in_place_value, std::move(file));
}

std::string host_name() {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0) return "";
    std::string out = name;
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

}  // namespace

outcome<kubelet_setup> read_kubelet_setup(const std::vector<std::string>& argv, const std::string& working_directory,
                                          const std::string& root) {
    const auto failed = [](std::string why) {
        return outcome<kubelet_setup>(boost::system::in_place_error, std::move(why));
    };
    auto read = read_files(argv, working_directory, root);
    if (!read) return failed(read.error());
    auto& file = *read;

    // A flag wins over the file even when it is empty.
    if (const auto flag = flag_value(argv, "pod-manifest-path"))
        file.manifests = setting{absolute(*flag, working_directory), "--pod-manifest-path of the kubelet"};
    if (const auto flag = flag_value(argv, "manifest-url"))
        file.manifests_url = setting{*flag, "--manifest-url of the kubelet"};
    if (file.manifests_url && !file.manifests_url->value.empty())
        return failed("the kubelet takes static pods from a URL as well (" + file.manifests_url->source +
                      "): such pods cannot be taken out; remove it to use delvegate");
    if (!file.manifests || file.manifests->value.empty())
        return failed(
            "the kubelet has no manifest directory (neither staticPodPath nor --pod-manifest-path): it runs no static "
            "pods; is the component a systemd unit?");

    kubelet_setup out;
    out.manifests = file.manifests->value;
    while (out.manifests.size() > 1 && out.manifests.ends_with('/')) out.manifests.pop_back();
    out.manifests_source = file.manifests->source;
    find_runtime(argv, file, root, out);
    out.node_name = flag_value(argv, "hostname-override").value_or("");
    if (out.node_name.empty()) out.node_name = host_name();
    const auto flag = flag_duration(argv, "file-check-frequency");
    if (const auto check = flag && flag->count() > 0 ? flag : file.file_check)
        out.file_check = std::chrono::ceil<std::chrono::seconds>(*check);
    if (file.node_lease) out.node_lease = std::chrono::seconds(*file.node_lease);
    out.kubeconfig = flag_value(argv, "kubeconfig").value_or("");
    return out;
}

outcome<std::chrono::seconds> node_lease_of(const std::vector<std::string>& argv, const std::string& working_directory,
                                            const std::string& root) {
    const auto file = read_files(argv, working_directory, root);
    if (!file) return error_text(file.error());
    return std::chrono::seconds(file->node_lease.value_or(kubelet_setup().node_lease.count()));
}

}  // namespace launcher
