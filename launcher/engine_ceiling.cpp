// What the gateway may do with what runs, when root disarms it, its time is over, or launcher.yaml says less than before.
#include "launcher/engine_run.h"
#include "launcher/guard_words.h"
#include "launcher/verb_rights.h"

namespace launcher {

namespace {

// A guard that does not answer at once is asked again by the watch.
constexpr auto ceiling_patience = std::chrono::seconds(2);

std::chrono::milliseconds boot_time_of(const moment& at) { return std::chrono::milliseconds(at.boot / 1'000'000); }

}  // namespace

void engine::heed(std::function<std::optional<arming>(const std::string& name)> arms) {
    const std::lock_guard lock(arms_lock_);
    arms_ = std::move(arms);
}

protocol::class_set engine::ceiling_of(const detachment& row) {
    const auto* definition = configuration_.find(row.component);
    if (!definition) return {};  // root has taken it out of launcher.yaml
    std::optional<arming> latest;
    {
        const std::lock_guard lock(arms_lock_);
        if (!arms_) return definition->ceiling;  // `restore` without a launcher: nobody dials
        latest = arms_(row.component);
    }
    const auto at = now();
    if (row.since.boot_id != at.boot_id) return {};
    return lets_gateway_in(definition->remote, latest, boot_time_of(row.since), boot_time_of(at)) ? definition->ceiling
                                                                                                  : protocol::class_set();
}

outcome<void> engine::tell_ceiling(const detachment& row, bool anew) {
    if (row.step != journal_step::running && row.step != journal_step::failed) return {};
    auto& here = place_of(row.component);
    const auto ceiling = ceiling_of(row);
    {
        const std::lock_guard lock(places_lock_);
        if (!anew && here.ceiling == ceiling) return {};
    }
    auto request = protocol::json(protocol::json::object{{"verb", "ceiling"}});
    request.set("classes", class_names(ceiling));
    const auto told = ask_guard(files_of(configuration_, row.component, row.id).control, request, ceiling_patience);
    const std::lock_guard lock(places_lock_);
    here.ceiling = told ? std::optional(ceiling) : std::nullopt;
    return told ? outcome<void>() : outcome<void>(told.error());
}

outcome<void> engine::tell_ceiling(const std::string& name) {
    const auto row = row_of(name);
    if (!row) return error_text(row.error());
    return *row ? tell_ceiling(**row, true) : outcome<void>();
}

}  // namespace launcher
