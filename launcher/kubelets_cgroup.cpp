#include "launcher/kubelets_cgroup.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>

namespace launcher {

namespace {

constexpr std::string_view name = "kubepods";

bool is_pods(std::string_view component) {
    if (component.ends_with(".slice")) component.remove_suffix(6);
    return component == name || component.ends_with("-kubepods");
}

bool is_users(std::string_view component) {
    return component == "user.slice" || component.starts_with("user-") || component.starts_with("user@");
}

// The path up to and with the pods' component; nothing where a user may have made it.
std::optional<std::string> pods_of(std::string_view path) {
    for (std::size_t at = 0; at < path.size();) {
        const auto begin = path.find_first_not_of('/', at);
        if (begin == std::string_view::npos) break;
        const auto end = std::min(path.find('/', begin), path.size());
        const auto component = path.substr(begin, end - begin);
        if (is_users(component)) break;
        if (is_pods(component)) return std::string(path.substr(0, end));
        at = end;
    }
    return std::nullopt;
}

bool is_anothers(const std::string& directory) {
    struct stat found{};
    return ::stat(directory.c_str(), &found) == 0 && found.st_uid != 0;
}

}  // namespace

bool is_of_the_kubelet(std::string_view text, const std::string& mounts) {
    bool any = false;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.find(name) == std::string_view::npos) continue;
        // "0::/PATH" of version 2, "4:memory:/PATH" and "1:name=systemd:/PATH" of version 1.
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos) return false;
        auto controllers = line.substr(first + 1, second - first - 1);
        const auto pods = pods_of(line.substr(second + 1));
        if (!pods) return false;
        if (controllers.starts_with("name=")) controllers.remove_prefix(5);
        if (is_anothers(mounts + "/" + std::string(controllers) + *pods)) return false;
        any = true;
    }
    return any;
}

}  // namespace launcher
