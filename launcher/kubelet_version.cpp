#include "launcher/kubelet_version.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "launcher/elf_file.h"
#include "launcher/go_buildinfo.h"
#include "launcher/guarded_path.h"
#include "launcher/kubernetes_stamp.h"
#include "launcher/live_process.h"
#include "launcher/run_program.h"

namespace launcher {

namespace {

constexpr auto answer_patience = std::chrono::seconds(5);
constexpr const char* installed[] = {"/usr/bin/kubelet", "/usr/local/bin/kubelet", "/opt/bin/kubelet"};

std::string ask(const guarded_file& file) {
    if (const auto elf = elf_file::of(file.fd.get(), file.path))
        if (const auto build = read_go_buildinfo(*elf))
            if (auto stamped = minor_in(kubernetes_stamp(*elf, *build)); !stamped.empty()) return stamped;
    program_options options;
    options.patience = answer_patience;
    options.limit = 64u << 10;
    const auto said = run_program({file.path, "--version"}, options);
    return said && said->status == 0 ? minor_in(said->output) : std::string();
}

}  // namespace

std::string minor_in(std::string_view text) {
    const auto digits = [&](std::size_t from) {
        auto end = from;
        while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
        return text.substr(from, end - from);
    };
    for (std::size_t at = text.find('v'); at != text.npos; at = text.find('v', at + 1)) {
        const auto major = digits(at + 1);
        const auto dot = at + 1 + major.size();
        if (major.empty() || dot >= text.size() || text[dot] != '.') continue;
        const auto minor = digits(dot + 1);
        if (!minor.empty()) return std::string(major) + "." + std::string(minor);
    }
    return {};
}

std::string kubelet_minor_of(const std::string& program) {
    const auto file = open_guarded(program);
    if (!file || !file->unsafe.empty()) return {};
    using stamp = std::tuple<std::string, std::uint64_t, std::uint64_t, std::uint64_t, std::int64_t>;
    static std::mutex lock;
    static std::map<stamp, std::string> known;
    const auto& is = file->identity;
    const stamp key{file->path, is.dev, is.ino, is.size, is.ctime_ns};
    {
        const std::lock_guard hold(lock);
        if (const auto found = known.find(key); found != known.end()) return found->second;
    }
    auto minor = ask(*file);
    const std::lock_guard hold(lock);
    return known[key] = std::move(minor);
}

std::string kubelet_minor() {
    if (const auto kubelet = find_kubelet(); kubelet && !kubelet->executable.empty())
        if (auto minor = kubelet_minor_of(kubelet->executable); !minor.empty()) return minor;
    for (const auto* program : installed)
        if (auto minor = kubelet_minor_of(program); !minor.empty()) return minor;
    return {};
}

}  // namespace launcher
