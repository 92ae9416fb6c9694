#include "launcher/rebuild_hint.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace launcher {

namespace {

constexpr std::string_view kubernetes = "k8s.io/kubernetes/";

bool take_number(std::string_view& text, int& number) {
    const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || number < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    return true;
}

bool take(std::string_view& text, char wanted) {
    if (text.empty() || text.front() != wanted) return false;
    text.remove_prefix(1);
    return true;
}

// "-rc.0", "-alpha.3", "-beta.1" belong to a tag of kubernetes/kubernetes; "-eks-…", "-gke.…" do
// not.
std::string pre_release(std::string_view rest) {
    for (const std::string_view kind : {"-alpha.", "-beta.", "-rc."}) {
        if (!rest.starts_with(kind)) continue;
        const auto number = rest.substr(kind.size());
        const auto digits = std::min(number.find_first_not_of("0123456789"), number.size());
        if (digits > 0) return std::string(rest.substr(0, kind.size() + digits));
    }
    return {};
}

// An import path that a shell takes as one word; anything else is not put into a command.
std::string package_word(std::string_view path) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-~";
    if (path.empty() || path == "command-line-arguments" || path.front() == '-' ||
        path.find_first_not_of(plain) != path.npos)
        return "PACKAGE";
    return std::string(path);
}

std::string stamps(const kubernetes_version& version) {
    const std::string base = "-X k8s.io/component-base/version.";
    return " -ldflags \"" + base + "gitVersion=" + version.tag + " " + base +
           "gitMajor=" + std::to_string(version.major) + " " + base +
           "gitMinor=" + std::to_string(version.minor) +
           " -X k8s.io/client-go/pkg/version.gitVersion=" + version.tag + "\"";
}

}  // namespace

std::optional<kubernetes_version> parse_kubernetes_version(std::string_view text) {
    take(text, 'v');
    kubernetes_version version;
    if (!take_number(text, version.major) || !take(text, '.') ||
        !take_number(text, version.minor) || !take(text, '.') || !take_number(text, version.patch))
        return std::nullopt;
    if (version.major == 0) return std::nullopt;  // v0.0.0-master+$Format:%H$
    if (!text.empty() && text.front() != '-' && text.front() != '+' && text.front() != '_')
        return std::nullopt;
    version.tag = "v" + std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
                  std::to_string(version.patch) + pre_release(text);
    return version;
}

bool is_kubernetes_component(std::string_view name) {
    constexpr std::array<std::string_view, 8> names{
        "kube-apiserver", "kube-controller-manager",  "kube-scheduler", "kube-proxy", "kubelet",
        "kubeadm",        "cloud-controller-manager", "kubectl"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string rebuild_hint(std::string_view component,
                         const std::optional<kubernetes_version>& version,
                         const go_buildinfo& build, bool without_cgo) {
    const bool by_make = is_kubernetes_component(component) &&
                         (build.path.empty() || build.path.starts_with(kubernetes) ||
                          build.path == "command-line-arguments");
    if (!by_make)
        return std::string(without_cgo ? "CGO_ENABLED=0 " : "") +
               "go build -gcflags \"all=-N -l\"" +
               (version && is_kubernetes_component(component) ? stamps(*version) : std::string()) +
               " " + package_word(build.path);
    const auto what =
        " WHAT=cmd/" + std::string(component) +
        (without_cgo ? " KUBE_STATIC_OVERRIDES=" + std::string(component) : std::string());
    const auto checkout = version ? "git checkout " + version->tag + " && " : std::string();
    // DBG=1 is known since 1.24. GOLDFLAGS must be set but empty, else -s -w is its default;
    // without `all=` the flags reach the main package only.
    if (version && version->major == 1 && version->minor < 24)
        return checkout + "make" + what + " GOLDFLAGS=\"\" GOGCFLAGS=\"all=-N -l\"";
    return checkout + "make DBG=1" + what;
}

}  // namespace launcher
