#include "launcher/dwarf_producer.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>

#include "protocol/printable.h"

namespace launcher {

namespace {

constexpr std::size_t longest_text = 4096;

struct closer {
    void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
};

std::string text_of(Dwarf_Die& die, unsigned attribute) {
    Dwarf_Attribute found;
    const char* text =
        dwarf_attr(&die, attribute, &found) != nullptr ? dwarf_formstring(&found) : nullptr;
    return text != nullptr ? std::string(text).substr(0, longest_text) : std::string();
}

bool is_go(Dwarf_Die& unit) {
    Dwarf_Attribute found;
    Dwarf_Word language = 0;
    return dwarf_attr(&unit, DW_AT_language, &found) != nullptr &&
           dwarf_formudata(&found, &language) == 0 && language == DW_LANG_Go;
}

bool is_within(std::string_view package, std::string_view module) {
    return !module.empty() && package.starts_with(module) &&
           (package.size() == module.size() || package[module.size()] == '/');
}

// "k8s.io/kubernetes/vendor/k8s.io/api/core/v1", as GOPATH builds have it, is k8s.io/api/core/v1.
std::string_view without_vendor(std::string_view package) {
    constexpr std::string_view vendor = "/vendor/";
    const auto at = package.rfind(vendor);
    return at == package.npos ? package : package.substr(at + vendor.size());
}

// The module that a package of k8s.io belongs to, by its name alone.
std::string_view kubernetes_module(std::string_view package) {
    constexpr std::string_view host = "k8s.io/";
    if (!package.starts_with(host)) return {};
    return package.substr(0, package.find('/', host.size()));
}

// Where most of a unit's code was recorded to come from: `<directory>` of its .go files, of those
// that end with `ending`. Inlined code of other packages is in the same table.
std::string directory_of(Dwarf_Die& unit, std::string_view ending) {
    Dwarf_Lines* lines = nullptr;
    std::size_t count = 0;
    if (dwarf_getsrclines(&unit, &lines, &count) != 0) return {};
    std::map<std::string_view, std::size_t> seen;
    const char* last = nullptr;
    std::string_view directory;
    for (std::size_t i = 0; i < count; ++i) {
        Dwarf_Line* line = dwarf_onesrcline(lines, i);
        const char* file = line != nullptr ? dwarf_linesrc(line, nullptr, nullptr) : nullptr;
        if (file == nullptr) continue;
        if (file != last) {
            last = file;
            const std::string_view name(file);
            const auto slash = name.rfind('/');
            directory = name.ends_with(".go") && slash != name.npos ? name.substr(0, slash)
                                                                    : std::string_view();
            if (directory.size() > longest_text || !directory.ends_with(ending)) directory = {};
        }
        if (!directory.empty()) ++seen[directory];
    }
    const auto most = std::max_element(seen.begin(), seen.end(),
                                       [](auto& a, auto& b) { return a.second < b.second; });
    return most == seen.end() ? std::string() : std::string(most->first);
}

// The first unit of each module that can tell where the module lay does. Line tables are long, so
// only some are asked.
constexpr int most_tries = 8;
using tries = std::map<std::string, int, std::less<>>;

void learn_source(Dwarf_Die& unit, std::string_view package, std::string_view module, tries& tried,
                  dwarf_summary& summary) {
    if (module.empty()) return;
    const auto known = std::any_of(summary.sources.begin(), summary.sources.end(),
                                   [&](const source_root& root) { return root.module == module; });
    if (known || ++tried[std::string(module)] > most_tries) return;
    const auto inner = package.substr(module.size());  // "/cmd/kube-scheduler"
    auto directory = directory_of(unit, inner);
    // "cmd/kube-scheduler/x.go": relative to the module's root.
    if (directory.empty() && !inner.empty()) directory = directory_of(unit, inner.substr(1));
    if (directory.empty()) return;
    directory.resize(directory.size() >= inner.size() ? directory.size() - inner.size() : 0);
    summary.sources.push_back({std::string(module), protocol::printable(directory)});
}

// What the main package's sources are relative to.
std::string main_module(const go_buildinfo& build) {
    if (!build.module.empty()) return build.module;
    const auto known = kubernetes_module(build.path);
    return std::string(known.empty() ? std::string_view(build.path) : known);
}

}  // namespace

producer_flags flags_of_producer(std::string_view producer) {
    if (producer.empty()) return {};
    const auto flags = producer.substr(std::min(producer.find(';'), producer.size()));
    return {flags.find("-N") == flags.npos, flags.find("-l") == flags.npos};
}

outcome<dwarf_summary> read_dwarf_summary(const elf_file& file, const go_buildinfo& build) {
    const auto failure = [&](const std::string& what) {
        return outcome<dwarf_summary>(boost::system::in_place_error,
                                      "the debug information of " + file.path() +
                                          " cannot be read (" + what + "): build it again");
    };
    if (const auto credible = file.debug_bytes(); !credible) return failure("it is damaged");
    const std::unique_ptr<Dwarf, closer> dwarf(
        dwarf_begin_elf(file.handle(), DWARF_C_READ, nullptr));
    if (!dwarf) return failure(dwarf_errmsg(-1));

    dwarf_summary summary;
    tries tried;
    const auto module = main_module(build);
    Dwarf_CU* cu = nullptr;
    Dwarf_Half version = 0;
    Dwarf_Die unit;
    int more = 0;
    while ((more = dwarf_get_units(dwarf.get(), cu, &cu, &version, nullptr, &unit, nullptr)) == 0) {
        if (!is_go(unit)) continue;  // C of a cgo program
        const auto name = text_of(unit, DW_AT_name);
        const auto producer = text_of(unit, DW_AT_producer);
        if (summary.packages++ == 0) {
            summary.version = version;
            summary.producer = protocol::printable(producer);
        }
        const bool is_main = name == "main" || (!build.path.empty() && name == build.path);
        const auto package = without_vendor(name);
        const bool of_module = package.size() == name.size() && is_within(package, module);
        if (!is_main && !of_module && !package.starts_with("k8s.io/")) continue;
        const auto flags = flags_of_producer(producer);
        ++summary.own_packages;
        summary.optimized += flags.optimized ? 1 : 0;
        summary.inlined += flags.inlined ? 1 : 0;
        if (is_main) summary.main_optimized = flags.optimized || flags.inlined;
        if (is_main && is_within(build.path, module))
            learn_source(unit, build.path, module, tried, summary);
        else if (!is_main)
            learn_source(unit, package, of_module ? module : kubernetes_module(package), tried,
                         summary);
    }
    if (more < 0) return failure(dwarf_errmsg(-1));
    if (summary.packages == 0) return failure("it holds no Go package");
    return outcome<dwarf_summary>(boost::system::in_place_value, std::move(summary));
}

}  // namespace launcher
