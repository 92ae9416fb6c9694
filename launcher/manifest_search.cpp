#include "launcher/manifest_search.h"

#include <algorithm>
#include <filesystem>

#include "launcher/arguments.h"

namespace launcher {
namespace {

namespace fs = std::filesystem;

bool is_meant(const pod_manifest& manifest, std::string_view pod) {
    if (pod.find('/') == std::string_view::npos) return manifest.name == pod;
    return manifest.name_space + "/" + manifest.name == pod;
}

}  // namespace

outcome<std::vector<std::string>> list_manifests(const std::string& path) {
    std::error_code ec;
    const auto status = fs::status(path, ec);
    if (status.type() == fs::file_type::not_found)
        return path + ": there is no such directory; the kubelet has no static pods";
    if (ec) return path + ": " + ec.message();
    std::vector<std::string> found;
    if (fs::is_regular_file(status)) {
        found.push_back(path);
        return found;
    }
    if (!fs::is_directory(status)) return path + ": neither a directory nor a file";
    for (fs::directory_iterator at(path, ec), end; !ec && at != end; at.increment(ec)) {
        std::error_code ignored;
        if (at->path().filename().string().front() == '.') continue;
        if (fs::is_regular_file(fs::status(at->path(), ignored))) found.push_back(at->path().string());
    }
    if (ec) return path + ": " + ec.message();
    std::sort(found.begin(), found.end());
    return found;
}

outcome<found_manifest> find_manifest(const std::string& path, std::string_view pod, std::vector<finding>& findings) {
    const auto failed = [](std::string why) {
        return outcome<found_manifest>(boost::system::in_place_error, std::move(why));
    };
    const auto files = list_manifests(path);
    if (!files) return failed(files.error());
    std::vector<found_manifest> found;
    std::vector<std::string> unread;
    for (const auto& file : *files) {
        auto bytes = read_regular_file(file);
        if (!bytes) {
            unread.push_back(bytes.error());
            continue;
        }
        auto manifest = parse_pod_manifest(*bytes, file);
        if (!manifest)
            unread.push_back(manifest.error());
        else if (is_meant(*manifest, pod))
            found.push_back({file, std::move(*bytes), std::move(*manifest)});
    }
    if (found.size() > 1)
        return failed("two manifests are of the pod " + std::string(pod) + ": " + found[0].path + " and " + found[1].path +
                      ", and the kubelet runs the one it read last; move one of them out of " + path);
    if (found.size() == 1) {
        for (const auto& error : unread)
            findings.push_back({severity::warning, "the kubelet cannot run this manifest either: " + error, ""});
        return std::move(found.front());
    }
    // The file that should have been it, if there is one.
    for (const auto& error : unread)
        if (base_name(error.substr(0, error.find(": "))).starts_with(std::string(pod))) return failed(error);
    std::string why = "no manifest in " + path + " is of the pod " + std::string(pod);
    if (!unread.empty()) why += "; one could not be read: " + unread.front();
    return failed(std::move(why));
}

}  // namespace launcher
