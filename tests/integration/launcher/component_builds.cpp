#include "component_builds.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "launcher/fd.h"

namespace launcher_test {

namespace fs = std::filesystem;

namespace {

std::string quoted(const std::string& text) { return "'" + text + "'"; }

std::string source_tree() {
    return std::string(DELVEGATE_SOURCE_DIR) + "/tests/support/debuggees/component";
}

std::string gopath() { return cache_directory() + "/gopath"; }

void make_gopath() {
    const auto root = component_sources({{}, true});
    constexpr auto how = fs::copy_options::recursive | fs::copy_options::overwrite_existing;
    for (const auto* part : {"cmd", "pkg"}) {
        fs::create_directories(root);
        fs::copy(source_tree() + "/" + part, root + "/" + part, how);
    }
    const auto vendored = root + "/vendor/k8s.io/component-base";
    fs::create_directories(vendored);
    fs::copy(source_tree() + "/component-base/version", vendored + "/version", how);
}

}  // namespace

std::string component_sources(const build_how& how) {
    return how.gopath ? gopath() + "/src/k8s.io/kubernetes" : source_tree();
}

std::string component(const toolchain& tools, const build_how& how) {
    std::string flags;
    for (const auto& flag : how.flags) flags += " " + quoted(flag);
    std::string sources;
    for (const auto* file : {"/cmd/kube-scheduler/main.go", "/pkg/scheduler/scheduler.go",
                             "/go.mod", "/component-base/version/base.go"})
        sources += text_of(source_tree() + file);
    const auto identity = std::hash<std::string>()(sources + source_tree() + tools.go + flags +
                                                   (how.gopath ? "g" : "m"));
    const auto target = cache_directory() + "/component-" + std::to_string(identity);
    const launcher::unique_fd lock(::open((cache_directory() + "/component.lock").c_str(),
                                          O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ::flock(lock.get(), LOCK_EX);
    if (fs::exists(target)) return target;
    if (how.gopath) make_gopath();
    const char* cache = std::getenv("GOCACHE");
    const auto command = "cd " + quoted(component_sources(how)) +
                         " && GOFLAGS= GOWORK=off GOPROXY=off GO111MODULE=" +
                         (how.gopath ? "off GOPATH=" + quoted(gopath()) : "on") +
                         " CGO_ENABLED=0 GOTOOLCHAIN=local GOCACHE=" +
                         quoted(cache != nullptr ? cache : cache_directory() + "/go-build") + " " +
                         quoted(tools.go) + " build -buildvcs=false -o " + quoted(target + ".new") +
                         flags + " k8s.io/kubernetes/cmd/kube-scheduler";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
    fs::permissions(target + ".new", fs::perms(0755));
    fs::rename(target + ".new", target);
    return target;
}

}  // namespace launcher_test
