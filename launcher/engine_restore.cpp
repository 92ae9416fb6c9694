// Everything that is out, whoever speaks of it: put back when it is asked for and after whatever has happened.
#include <algorithm>
#include <filesystem>

#include "launcher/engine_run.h"
#include "launcher/kubelet_config.h"
#include "launcher/live_process.h"
#include "launcher/stray_holds.h"

namespace launcher {

namespace {

namespace fs = std::filesystem;

constexpr const char* usual_manifests = "/etc/kubernetes/manifests";
constexpr std::chrono::seconds kept = std::chrono::hours(24 * 90);  // closed sessions and verbs, in the journal
constexpr auto prune_interval = std::chrono::hours(24);

component_definition defined_by(const detachment& row) {
    component_definition gone;  // taken out of launcher.yaml while it was out
    gone.name = row.component;
    gone.kind = row.kind;
    if (row.kind == component_kind::systemd) gone.unit = row.target_file;
    if (row.kind == component_kind::daemon_set) {
        const auto path = fs::path(row.target_file);  // daemonset/NAMESPACE/NAME
        gone.daemon_set = path.filename();
        gone.name_space = path.parent_path().filename();
    }
    return gone;
}

}  // namespace

std::vector<component_definition> engine::known() {
    auto all = configuration_.components;
    stray_places where;
    where.state = configuration_.state_directory;
    {
        const std::lock_guard lock(journal_lock_);
        const auto rows = journal_ ? journal_->active() : outcome<std::vector<detachment>>(error_text(journal_trouble_));
        if (rows)
            for (const auto& row : *rows) {
                if (row.kind == component_kind::static_pod && !row.target_file.empty())
                    where.manifests.push_back(fs::path(row.target_file).parent_path());
                if (configuration_.find(row.component) == nullptr) all.push_back(defined_by(row));
            }
    }
    {
        const std::lock_guard lock(places_lock_);
        where.manifests.insert(where.manifests.end(), manifest_directories_.begin(), manifest_directories_.end());
    }
    for (auto& each : stray_holds(where, all)) all.push_back(std::move(each));
    return all;
}

void engine::find_manifest_directories() {
    std::vector<std::string> found;
    for (const auto& each : configuration_.components)
        if (each.kind == component_kind::static_pod && !each.manifest_directory.empty()) found.push_back(each.manifest_directory);
    if (const auto kubelet = find_kubelet())
        if (const auto setup = read_kubelet_setup(kubelet->argv, kubelet->working_directory)) found.push_back(setup->manifests);
    found.emplace_back(usual_manifests);  // at boot there is no kubelet yet to be asked
    const std::lock_guard lock(places_lock_);
    manifest_directories_ = std::move(found);
}

// Whatever goes wrong within one component, the others are seen to.
restore_report engine::put_back(const component_definition& definition, found_on_disk::occasion why,
                                const progress_callback& progress) {
    restore_report report;
    report.name = definition.name;
    try {
        run one(*this, definition, progress);
        const auto back = one.bring_back(why, false);
        report.text = back ? *back : back.error();
        report.restored = back && !one.theirs_kept();
        report.nothing_to_do = back && !one.touched();
        if (!one.undecided()) return report;
        // Of a DaemonSet there is nothing held: what can be decided is that it stays as it is.
        if (definition.kind == component_kind::static_pod)
            report.decide.push_back("delvegate restore " + definition.name + " --put-back-ours");
        report.decide.push_back("delvegate restore " + definition.name + " --keep-theirs");
    } catch (const std::exception& error) {
        report.text = definition.name + " was not put back, something failed within: " + error.what();
    }
    return report;
}

outcome<std::vector<restore_report>> engine::restore(const std::string& name, const lifecycle_request& request,
                                                     const progress_callback& progress) {
    using occasion = found_on_disk::occasion;
    const auto why = request.decide == decision::keep_theirs     ? occasion::root_set_aside
                     : request.decide == decision::put_back_ours ? occasion::root_put_back
                                                                 : occasion::restore_asked;
    find_manifest_directories();
    std::vector<restore_report> reports;
    for (const auto& definition : known())
        if (name.empty() || definition.name == name) reports.push_back(put_back(definition, why, progress));
    if (reports.empty() && !name.empty()) return definition_of(name).error();
    tell_node();
    return reports;
}

std::vector<restore_report> engine::recover(const progress_callback& progress) {
    find_manifest_directories();
    std::vector<restore_report> reports;
    auto all = known();
    // An API server may not answer, and the manifests are not to wait for it.
    std::stable_partition(all.begin(), all.end(), [](const auto& each) { return each.kind != component_kind::daemon_set; });
    for (const auto& definition : all) {
        auto report = put_back(definition, found_on_disk::occasion::launcher_start, progress);
        if (!report.nothing_to_do) reports.push_back(std::move(report));
    }
    prune();
    watch();
    return reports;
}

void engine::prune() {
    const auto at = std::chrono::steady_clock::now();
    if (at < prune_at_) return;
    prune_at_ = at + prune_interval;
    const std::lock_guard lock(journal_lock_);
    if (journal_) (void)journal_->prune(kept);  // a full disk, say: it is tried again tomorrow
}

void engine::tell_node() {
    std::vector<out_component> out;
    {
        const std::lock_guard lock(journal_lock_);
        const auto rows = journal_ ? journal_->active() : outcome<std::vector<detachment>>(error_text(journal_trouble_));
        if (!rows) return;
        for (const auto& row : *rows)
            if (takes_away(row.kind) && row.step >= journal_step::detaching && row.step != journal_step::returned)
                out.push_back({row.component, utc_text(row.since.wall), row.started_by, row.id});
    }
    notice_.show(std::move(out));
}

}  // namespace launcher
