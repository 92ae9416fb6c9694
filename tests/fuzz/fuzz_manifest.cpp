// A static pod's manifest: whatever it is, it is read or refused in one line, and what is read becomes a plan that
// the kernel and the launcher can take as it is.
#include "launcher/pod_process.h"
#include "tests/fuzz/fuzz.h"

namespace {

bool one_line(const std::string& text) { return !text.empty() && text.find('\n') == std::string::npos; }
bool no_nul(const std::string& text) { return text.find('\0') == std::string::npos; }

launcher::node_facts facts() {
    launcher::node_facts out;
    out.node_name = "node";
    out.addresses = {"192.0.2.1"};
    out.session_directory = "/run/session";
    out.allocatable_cpu_milli = 4000;
    out.allocatable_memory = 1ull << 33;
    return out;
}

void check_plan(const launcher::process_plan& plan, const std::vector<launcher::finding>& findings) {
    bool refused = false;
    for (const auto& finding : findings) {
        must(!finding.text.empty());
        refused |= finding.how == launcher::severity::refusal;
    }
    must(refused || !plan.argv.empty());
    for (const auto& word : plan.argv) must(no_nul(word.value) && !word.source.empty());
    for (const auto& [name, word] : plan.env) {
        must(!name.empty() && name.find('=') == std::string::npos && no_nul(name));
        must(no_nul(word.value) && !word.source.empty());
        int times = 0;
        for (const auto& other : plan.env) times += other.first == name;
        must(times == 1);
    }
    for (const auto& mount : plan.mounts) {
        must(mount.source.starts_with('/') && mount.target.starts_with('/'));
        must((mount.source + "/").find("/../") == std::string::npos);
        must(mount.source != mount.target);
    }
    for (const auto& file : plan.files) must(file.starts_with('/'));
    for (const auto port : plan.ports) must(port != 0);
    must(plan.health.path.starts_with('/'));
    must(plan.working_directory.starts_with('/'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto manifest = launcher::parse_pod_manifest(fuzz::text(data, size), "m.yaml");
    if (!manifest) {
        must(one_line(manifest.error()));
        must(manifest.error().starts_with("m.yaml:"));
        return 0;
    }
    must(!manifest->containers.empty());
    static const auto node = facts();
    for (const auto& container : manifest->containers) {
        std::vector<launcher::finding> findings;
        const auto plan = launcher::plan_pod_process(*manifest, container.name, node, findings);
        must(plan.has_value());
        check_plan(*plan, findings);
    }
    return 0;
}
