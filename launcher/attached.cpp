// The kind `attach`: a process that stays where it is, with dlv in it for a while. Nothing is taken away, so there is
// nothing to put back: dlv lets go, and the process goes on.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "launcher/arguments.h"
#include "launcher/attach_budget.h"
#include "launcher/attach_target.h"
#include "launcher/debug_binary.h"
#include "launcher/detacher.h"
#include "launcher/dlv_version.h"
#include "launcher/elf_file.h"
#include "launcher/engine_rules.h"
#include "launcher/go_buildinfo.h"
#include "launcher/plan_json.h"
#include "launcher/process_tree.h"
#include "launcher/running_program.h"
#include "launcher/service_host.h"
#include "launcher/together.h"
#include "launcher/waiting.h"
#include "storage/sha256.h"

namespace launcher {

namespace {

using std::chrono::seconds;

constexpr auto standing_patience = std::chrono::milliseconds(300);
constexpr std::size_t longest_note = 4096;

class attached final : public detacher {
public:
    explicit attached(component_definition definition) : definition_(std::move(definition)) {}

    outcome<component_plan> inspect(const lifecycle_request& request) override;
    detachment_changes known(const component_plan& plan) const override;
    outcome<void> prepare(const component_plan& plan) override;
    outcome<detachment_changes> intend(const component_plan& plan, const stand_in&) override {
        detachment_changes changes;
        changes.target_file = plan.found_in;
        return changes;
    }
    outcome<void> take_out(const component_plan&, const stand_in&) override { return {}; }
    outcome<std::string> remains(const component_plan&) override { return text({}); }
    outcome<process_mark> held_by(const component_plan& plan, const process_mark& dlv) override;
    outcome<void> look(const std::optional<detachment>&, found_on_disk&) override { return {}; }
    outcome<put_back_summary> put_back(const std::optional<detachment>& row, const recovery_decision&) override;
    outcome<std::string> missing(const std::optional<detachment>&) override { return text({}); }

private:
    void look_at_program(component_plan& plan, const lifecycle_request& request);

    component_definition definition_;
    attach_target target_;  // of the last inspect
};

// The file that was seen, and that runs.
outcome<unique_fd> open_running(const live_process& process, const std::optional<file_inode>& seen) {
    auto file = open_program_of(process.pid, process.executable);
    struct stat info {};
    if (file && (::fstat(file->get(), &info) != 0 || file_inode{info.st_dev, info.st_ino} != seen))
        return "process " + std::to_string(process.pid) + " has just begun another program: try again";
    return file;
}

void attached::look_at_program(component_plan& plan, const lifecycle_request& request) {
    const auto refuse = [&](std::string text, std::string mend = {}) {
        plan.findings.push_back({severity::refusal, std::move(text), std::move(mend)});
    };
    const auto& process = target_.process;
    const auto file = open_running(process, target_.program);
    if (!file) return refuse(file.error());
    const auto elf = elf_file::of(file->get(), process.executable);
    if (!elf) return refuse(elf.error());
    const auto build = read_go_buildinfo(*elf);
    if (!build) return refuse(process.executable + " was not built by Go: dlv can do nothing with it");

    if (!definition_.binary.empty()) {
        // Their build ids are compared below: what is the same build has the same version, known or not.
        auto same_build = request;
        same_build.forces.push_back(force::other_minor);
        if (auto fine = plan_binary(plan, process.executable, kubernetes_version_of(process.pid), same_build, examined_); !fine)
            return refuse(fine.error());
        const auto examined = examine_debug_binary(plan.binary, {});
        const auto given = examined && examined->file ? elf_file::of(examined->file.get(), plan.binary)
                                                      : outcome<elf_file>(error_text(plan.binary + " cannot be examined"));
        const auto note = elf->section(".note.go.buildid", longest_note);
        if (!given || note.empty() || given->section(".note.go.buildid", longest_note) != note)
            refuse(plan.binary + " is not the build that runs (their Go build ids differ)",
                   "go tool buildid /proc/" + std::to_string(process.pid) + "/exe says which one does");
        return;
    }
    if (auto fine = check_dlv(definition_, examined_); !fine) return refuse(fine.error());
    const auto dlv = find_dlv(definition_.dlv);
    const auto version = dlv ? version_of(*dlv) : outcome<dlv_version>(dlv.error());
    if (!version) refuse(version.error());
    if (!elf->has_debug_info())
        return refuse(process.executable + " has no debug information: it was stripped (-s -w)",
                      "give the same build before it was stripped as `binary`, or take the component out with a debug build "
                      "(kind static-pod or systemd)");
    const auto bytes = elf->debug_bytes();
    if (!bytes) return refuse(bytes.error());
    plan.memory_needed = dlv_memory_estimate(*bytes);
    if (definition_.memory_limit != 0 && plan.memory_needed > definition_.memory_limit)
        refuse("dlv needs about " + std::to_string(plan.memory_needed >> 20) + " MiB, more than the component's memoryLimit",
               "raise memoryLimit of " + definition_.name + " in launcher.yaml");
    if (build->setting("-gcflags").find("-N") == std::string_view::npos)
        plan.findings.push_back({severity::note, "it was built as for production: variables may be missing or stale, inlined functions "
                                 "take no breakpoint of their own, and steps jump", {}});
}

outcome<component_plan> attached::inspect(const lifecycle_request& request) {
    auto target = find_attach_target(definition_);
    if (!target) return error_text(target.error());
    target_ = std::move(*target);
    const auto& process = target_.process;

    component_plan plan;
    plan.definition = definition_;
    plan.found_in = target_.found_in;
    plan.process.mode = dlv_mode::attach;
    plan.process.target = {process.pid, process.start_time};
    plan.process.continue_at_once = !request.stop_on_entry;
    plan.process.uid = process.uid;
    plan.process.gid = process.gid;
    plan.process.groups = process.groups;
    plan.process.working_directory = process.working_directory;
    plan.process.health.port = 0;
    for (const auto& word : process.argv) plan.process.argv.push_back({word, "/proc/" + std::to_string(process.pid) + "/cmdline"});
    plan.manifest_hash = storage::sha256_hex(std::to_string(process.pid) + " " + std::to_string(process.start_time) + " " +
                                             process.executable);
    const auto program = base_name(process.executable);
    forbid_together(plan, {program, definition_.unit, definition_.container, definition_.pod}, request);
    check_attach_target(definition_, process, plan.findings);
    look_at_program(plan, request);
    plan_budget(plan, program);
    limit_attach_budget(plan, target_);
    tell_attach_time(plan);

    plan.findings.push_back({severity::warning, "when dlv is killed (kill -9, out of memory), the breakpoints that are set stay in the "
                             "program, and it dies at the first one it comes to; nothing can mend that but its restart", {}});
    const auto number = std::to_string(process.pid);
    plan.moved = "nothing: dlv attaches to process " + number + ", which stays where it is";
    plan.comes_back = "dlv clears its breakpoints and lets go of process " + number + ", which goes on";
    plan.undo_by_hand = {end_by_hand(definition_.name)};
    plan_service_host(plan);
    auto hash = plan_hash(plan);
    if (!hash) return error_text(hash.error());
    plan.hash = *hash;
    return plan;
}

// From the first step on: a dlv that dies while it attaches leaves it standing, and what needs it must not be taken out.
detachment_changes attached::known(const component_plan& plan) const {
    detachment_changes changes;
    changes.debuggee = plan.process.target;
    changes.node = row_program_text(base_name(target_.process.executable));
    return changes;
}

outcome<void> attached::prepare(const component_plan& plan) {
    if (still_itself(target_) && still_running(plan.process.target)) return {};
    return "process " + std::to_string(plan.process.target.pid) + " has ended, or begun another program, since it was looked at";
}

outcome<process_mark> attached::held_by(const component_plan& plan, const process_mark& dlv) {
    const auto& wanted = plan.process.target;
    const auto number = std::to_string(wanted.pid);
    if (!still_there(target_) || !still_running(wanted)) return "process " + number + " ended when dlv was about to attach to it";
    const auto tracer = tracer_of(wanted.pid);
    // Now that it is held it can begin no other program.
    if (tracer == dlv.pid) {
        if (still_itself(target_)) return wanted;
        return "process " + number + " has begun another program since it was looked at";
    }
    if (tracer != 0) return "process " + number + " is traced by process " + std::to_string(tracer) + " meanwhile, which is not our dlv";
    if (!still_running(dlv)) return error_text("dlv could not attach to process " + number);
    return process_mark{};
}

// A dlv that was killed may leave the program standing, traced by nobody: measured with one that ran, and a breakpoint. The
// kernel may stop it only a moment after dlv has gone.
outcome<put_back_summary> attached::put_back(const std::optional<detachment>& row, const recovery_decision&) {
    put_back_summary summary;
    if (!row || row->unit.empty() || row->since.boot_id != now().boot_id || row->debuggee.pid == 0) return summary;
    const auto& process = row->debuggee;
    const auto name = "process " + std::to_string(process.pid);
    const unique_fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
    bool continued = false;
    wait_until(standing_patience, [&] {
        process_stat stat;
        if (!pidfd || !still_running(process)) return true;
        if (tracer_of(process.pid) == 0 && read_stat(process.pid, stat) && stat.state == 'T')
            continued = ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGCONT, nullptr, 0) == 0 || continued;
        return false;
    });
    if (continued) summary.remarks.push_back(name + " was left standing by dlv, and was continued");
    if (!still_running(process)) summary.remarks.push_back(name + " has ended");
    return summary;
}

}  // namespace

std::unique_ptr<detacher> make_attached(const component_definition& definition) {
    return std::make_unique<attached>(definition);
}

}  // namespace launcher
