#include "launcher/debug_binary.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "launcher/dlv_go_range.h"
#include "launcher/kubernetes_stamp.h"
#include "launcher/rebuild_hint.h"
#include "protocol/printable.h"

namespace launcher {

namespace {

class examination {
public:
    examination(const std::string& path, const binary_expectations& expected)
        : named_(path),
          expected_(expected),
          running_(parse_kubernetes_version(expected.running_version)) {}

    outcome<debug_binary> run();

private:
    void tell(severity how, std::string text, std::string mend = {}) {
        binary_.findings.push_back({how, std::move(text), std::move(mend)});
    }
    std::string rebuild(bool without_cgo = false) const {
        return rebuild_hint(expected_.component, running_, binary_.build, without_cgo);
    }

    void look_at_file(const guarded_file& file);
    void look_into(const elf_file& elf);
    void look_at_debug_info(const elf_file& elf);
    void look_at_optimization();
    void look_at_sources();

    const std::string named_;
    const binary_expectations& expected_;
    const std::optional<kubernetes_version> running_;
    debug_binary binary_;
};

void examination::look_at_file(const guarded_file& file) {
    const auto& path = binary_.path;
    if ((file.mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        tell(severity::refusal, path + " is not executable", "chmod a+rx " + path);
    if ((file.mode & (S_ISUID | S_ISGID)) != 0)
        tell(severity::refusal,
             path + " runs with its owner's rights (set-uid or set-gid), not the component's",
             "chmod ug-s " + path);
    struct statvfs mount {};
    if (::fstatvfs(binary_.file.get(), &mount) == 0 && (mount.f_flag & ST_NOEXEC) != 0)
        tell(severity::refusal, path + " lies on a filesystem mounted noexec",
             "move it to one that is not, e.g. /usr/local/lib/delvegate");
}

void examination::look_into(const elf_file& elf) {
    const auto build = read_go_buildinfo(elf);
    if (build) binary_.build = *build;
    if (const auto loader = elf.interpreter();
        !loader.empty() && ::access(loader.c_str(), X_OK) != 0)
        tell(severity::refusal,
             "it needs the dynamic loader " + protocol::printable(loader) +
                 ", which this machine does not have (it was built with cgo elsewhere)",
             rebuild(true));
    binary_.kubernetes_version = kubernetes_stamp(elf, binary_.build);
    look_at_debug_info(elf);
    if (binary_.build.go_version.empty() && binary_.debug.packages == 0) return;  // told already
    auto compared = compare_kubernetes_versions(
        {expected_.component, expected_.running_version, expected_.allow_other_minor},
        binary_.build, binary_.kubernetes_version);
    std::move(compared.begin(), compared.end(), std::back_inserter(binary_.findings));
}

void examination::look_at_debug_info(const elf_file& elf) {
    const bool is_go = !binary_.build.go_version.empty();
    if (!elf.has_debug_info()) {
        if (!is_go)
            return tell(severity::refusal,
                        binary_.path +
                            " is not a program made by Go, or has been stripped of all "
                            "that tells so",
                        rebuild());
        const bool stripped = !elf.has_symbols();
        tell(severity::refusal,
             "it has no debug information: it was linked with " +
                 std::string(stripped ? "-s -w, or stripped afterwards" : "-w") +
                 "; dlv could show no variable and no source line",
             rebuild());
        if (auto unfit =
                check_dlv_fits(expected_.dlv, expected_.dlv_go, binary_.build.go_version, 0))
            binary_.findings.push_back(std::move(*unfit));
        return;
    }
    auto summary = read_dwarf_summary(elf, binary_.build);
    if (!summary) return tell(severity::refusal, summary.error(), rebuild());
    binary_.debug = std::move(*summary);
    if (const auto bytes = elf.debug_bytes()) binary_.debug_bytes = *bytes;
    binary_.memory_needed = dlv_memory_estimate(binary_.debug_bytes);

    // dlv goes by the producer; the two differ only where somebody made the program by hand.
    constexpr std::string_view compiler = "Go cmd/compile ";
    std::string version = binary_.build.go_version;
    if (binary_.debug.producer.starts_with(compiler))
        version = binary_.debug.producer.substr(compiler.size());
    version.resize(std::min(version.find(';'), version.size()));
    if (auto unfit =
            check_dlv_fits(expected_.dlv, expected_.dlv_go, version, binary_.debug.version))
        binary_.findings.push_back(std::move(*unfit));
    look_at_optimization();
    look_at_sources();
}

void examination::look_at_optimization() {
    const auto& debug = binary_.debug;
    const auto bad = std::max(debug.optimized, debug.inlined);
    if (bad == 0) return;
    const auto share = bad == debug.own_packages
                           ? std::string("it was compiled")
                           : std::to_string(bad) + " of its own " +
                                 std::to_string(debug.own_packages) + " packages were compiled";
    std::string text = share;
    if (debug.optimized != 0 && debug.inlined != 0)
        text +=
            " without -N -l: variables will be missing or stale, inlined functions take no "
            "breakpoint of their own, and steps jump";
    else if (debug.optimized != 0)
        text += " without -N: variables will be missing or stale, and steps jump";
    else
        text +=
            " without -l: inlined functions take no breakpoint of their own, and steps enter "
            "them out of order";
    if (!debug.main_optimized && bad + 1 >= debug.own_packages && debug.own_packages > 1)
        text += " (only the main package has them: `all=` was left out of -gcflags)";
    tell(severity::warning, std::move(text), rebuild());
}

void examination::look_at_sources() {
    const auto relative =
        std::find_if(binary_.debug.sources.begin(), binary_.debug.sources.end(),
                     [](const source_root& root) { return !root.prefix.starts_with('/'); });
    const bool trimmed = binary_.build.setting("-trimpath") == "true";
    if (!trimmed && relative == binary_.debug.sources.end()) return;
    std::string text =
        "it was built with -trimpath: its sources are recorded without their directory";
    std::string mend = "map the recorded paths to your checkout in the editor";
    if (relative != binary_.debug.sources.end()) {
        const auto shown = relative->prefix.empty() ? std::string("relative to its root")
                                                    : "as \"" + relative->prefix + "/…\"";
        text += " (" + relative->module + " " + shown + ")";
        mend += relative->prefix.empty() ? ", e.g. from \"\" (relative paths)"
                                         : ", e.g. from \"" + relative->prefix + "\"";
    }
    tell(severity::note, std::move(text), std::move(mend));
}

outcome<debug_binary> examination::run() {
    auto file = open_guarded(named_);
    if (!file) return file.error();
    binary_.file = std::move(file->fd);
    binary_.identity = file->identity;
    binary_.path = file->path;
    look_at_file(*file);
    if (!file->unsafe.empty()) {
        tell(severity::refusal, file->unsafe, file->mend);
    } else if (const auto elf = elf_file::of(binary_.file.get(), binary_.path); !elf) {
        tell(severity::refusal, elf.error());
    } else {
        look_into(*elf);
    }
    const auto now = identity_of(binary_.file.get());
    if (!now || *now != binary_.identity)
        return binary_.path + " changed while it was examined: try again when its build is done";
    std::stable_sort(binary_.findings.begin(), binary_.findings.end(),
                     [](const finding& a, const finding& b) { return a.how > b.how; });
    return outcome<debug_binary>(boost::system::in_place_value, std::move(binary_));
}

}  // namespace

bool debug_binary::refused() const {
    return std::any_of(findings.begin(), findings.end(),
                       [](const finding& f) { return f.how == severity::refusal; });
}

outcome<debug_binary> examine_debug_binary(const std::string& path,
                                           const binary_expectations& expected) {
    return examination(path, expected).run();
}

std::uint64_t dlv_memory_estimate(std::uint64_t debug_bytes) {
    // Measured, stopped at a breakpoint: unpacked debug sections of 1.8, 8.1 and 11.2 MiB took
    // dlv 1.27.1 31, 65 and 74 MiB, 6.9 MiB took dlv 1.20.2 54 MiB: 23 MiB and five times as much.
    // kube-apiserver 1.20 (a file of 159 MB, some 65 MiB of debug sections) took 430 MB. The line
    // is laid above all.
    constexpr std::uint64_t base = 32ull << 20;
    return base + debug_bytes * 13 / 2;
}

outcome<std::string> find_debug_binary(const component_definition& definition,
                                       const std::string& original_basename) {
    const auto failure = [&](const std::string& words) {
        return outcome<std::string>(boost::system::in_place_error,
                                    "component " + definition.name + ": " + words);
    };
    const auto found = [](std::string path) {
        return outcome<std::string>(boost::system::in_place_value, std::move(path));
    };
    if (!definition.binary.empty())
        return definition.binary.front() == '/'
                   ? found(definition.binary)
                   : failure("its binary " + protocol::printable(definition.binary) +
                             " is not an absolute path: correct `binary` in launcher.yaml");
    const auto shown = protocol::printable(original_basename);
    if (definition.binary_directory.empty())
        return failure("no debug binary is named: give the path of a debug build of " + shown +
                       " as `binary` in launcher.yaml, or a directory with one of that name as "
                       "`binaryDir`");
    if (definition.binary_directory.front() != '/')
        return failure("its binary directory " + protocol::printable(definition.binary_directory) +
                       " is not an absolute path: correct `binaryDir` in launcher.yaml");
    if (original_basename.empty() || original_basename == "." || original_basename == ".." ||
        original_basename.find('/') != original_basename.npos ||
        original_basename.find('\0') != original_basename.npos)
        return failure("the original program's name \"" + shown +
                       "\" leads to no file: name the debug binary as `binary` in launcher.yaml");
    auto directory = definition.binary_directory;
    while (directory.ends_with('/')) directory.pop_back();
    return found(directory + "/" + original_basename);
}

}  // namespace launcher
