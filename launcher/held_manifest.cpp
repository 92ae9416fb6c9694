#include "launcher/held_manifest.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "launcher/held_place.h"
#include "launcher/held_record.h"
#include "launcher/held_return.h"
#include "protocol/json.h"
#include "storage/shell_word.h"

namespace launcher {

namespace {

using storage::shell_word;

outcome<held_record> failed(std::string why) { return {boost::system::in_place_error, std::move(why)}; }

// Whether a rename between the two can work at all. Another mount of the same filesystem does not do.
bool one_mount(int a, int b) {
    struct statx in_a {}, in_b {};
    constexpr unsigned wanted = STATX_INO | STATX_MNT_ID;
    if (::statx(a, "", AT_EMPTY_PATH, wanted, &in_a) != 0 || ::statx(b, "", AT_EMPTY_PATH, wanted, &in_b) != 0) return true;
    if (in_a.stx_dev_major != in_b.stx_dev_major || in_a.stx_dev_minor != in_b.stx_dev_minor) return false;
    const bool known = (in_a.stx_mask & in_b.stx_mask & STATX_MNT_ID) != 0;
    return !known || in_a.stx_mnt_id == in_b.stx_mnt_id;  // else the rename finds it out
}

// `out` has the commands that come before ours.
std::vector<std::string> undo_by_hand(const held_place& place, const held_slot& slot, std::vector<std::string> out) {
    out.push_back("mv -n " + shell_word(slot.path()) + " " + shell_word(place.target()));
    out.push_back("rm " + shell_word(slot.record_path()));
    return out;
}

// How a hold that went wrong ended.
std::string after_undoing(const held_place& place, const held_slot& slot, std::string why) {
    put_back_options options;
    options.whatever_it_is = true;
    const auto back = bring_back(place, options);
    if (!back) return why + "; it could not be put back: " + back.error() + "; it is at " + slot.path();
    if (back->result == put_back_result::superseded)
        return why + "; meanwhile another file came to its place, and the one that was there is at " + back->stored;
    return why + "; it is where it was";
}

// errno of the move when nothing has happened (EXDEV: the other slot may do); else the whole outcome.
struct taken {
    int error = 0;
    outcome<held_record> result = failed("");
};

taken take_to(const held_place& place, const held_slot& slot, held_record record) {
    record.held = slot.path();
    record.taking = true;
    const std::string target = place.target();
    if (const int error = write_whole(slot.dir, slot.record, held_record_text(record), false))
        return {0, failed(target + " was not taken out: cannot write " + slot.record_path() + ": " + errno_text(error))};
    if (const int error = move_file(place.manifests.get(), place.name, slot.dir, slot.file)) {
        if (remove_file(slot.dir, slot.record) == 0) flush(slot.dir);
        return {error, failed("")};
    }
    int error = flush(place.manifests.get());
    if (error == 0 && slot.dir != place.manifests.get()) error = flush(slot.dir);
    if (error != 0)
        return {0, failed(after_undoing(place, slot, "cannot flush the move of " + target + ": " + errno_text(error)))};
    const auto held = see_file(slot.dir, slot.file);
    // Somebody may have written a new one between our look and the move: what is held must be what was recorded.
    // Some filesystems (overlayfs) number it anew when it moves; a link's hash is that of where it leads, from where it is.
    record.stamp.device = held.stamp.device;
    record.stamp.inode = held.stamp.inode;
    if (!record.stamp.link.empty()) record.stamp.hash = held.stamp.hash;
    if (held.state != seen_file::what::whole || !(held.stamp == record.stamp))
        return {0, failed(after_undoing(place, slot, target + " changed while it was taken out; try again"))};
    return {0, outcome<held_record>(boost::system::in_place_value, std::move(record))};
}

outcome<held_record> confirm(const held_place& place, const held_slot& slot, held_record record) {
    record.taking = false;
    if (const int error = write_whole(slot.dir, slot.record, held_record_text(record), true))
        return failed(after_undoing(place, slot, "cannot write " + slot.record_path() + ": " + errno_text(error)));
    return {boost::system::in_place_value, std::move(record)};
}

}  // namespace

outcome<held_record> hold_manifest(const manifest_place& where, const hold_request& request) {
    auto place = open_place(where, {true, true});
    if (!place) return failed(place.error());
    const std::string target = place->target();
    const auto before = look_at(*place);
    if (!before) return failed(before.error());
    if (!before->empty())
        return failed(target + " is held already, as " + before->slot.path() +
                      (before->found ? " (session " + before->found->session + ", by " + before->found->by + ")" : "") +
                      "; run: delvegate restore " + (before->found ? before->found->component : request.component));

    const auto seen = see_file(place->manifests.get(), place->name);
    if (seen.state == seen_file::what::none) return failed(target + " is not there; run: delvegate inspect " + request.component);
    if (seen.state == seen_file::what::odd) return failed(target + ": " + seen.why + "; nothing was moved");
    if (seen.stamp.hash.empty()) return failed(target + " is a link to nothing that can be read; nothing was moved");
    if (!protocol::valid_utf8(seen.stamp.link)) return failed(target + " is a link to a path that is not UTF-8 text");
    if (seen.stamp.hash != request.expected_hash)
        return failed(target + " is not what was planned with; run: delvegate inspect " + request.component);
    // Whoever wrote it may not have flushed it, and it must not come back empty after a power cut.
    if (const int error = flush_file(place->manifests.get(), place->name))
        return failed("cannot flush " + target + ": " + errno_text(error) + "; nothing was moved");

    held_record record;
    record.session = request.session;
    record.component = request.component;
    record.target = target;
    record.stamp = seen.stamp;
    record.since = now();
    record.by = request.by;
    record.unit = request.unit;
    record.dlv = request.dlv;
    record.node = request.node;
    const bool beside_works = place->held && one_mount(place->manifests.get(), place->held.get());
    for (const auto& slot : {place->beside(), place->within()}) {
        const bool last = slot.dir == place->manifests.get();
        if (!last && !beside_works) continue;
        record.undo = undo_by_hand(*place, slot, request.undo_first);
        auto took = take_to(*place, slot, record);
        if (took.error == EXDEV && !last) continue;
        if (took.error != 0) return failed("cannot move " + target + " to " + slot.path() + ": " + errno_text(took.error));
        if (!took.result) return took.result;
        // The hash of what a link leads to is that of before: where it is held it leads elsewhere.
        took.result->stamp.hash = seen.stamp.hash;
        return confirm(*place, slot, std::move(*took.result));
    }
    return failed("cannot hold " + target + " anywhere");
}

outcome<foreseen_hold> foresee_hold(const manifest_place& where, const std::vector<std::string>& undo_first) {
    using result = outcome<foreseen_hold>;
    const auto place = open_place(where, {});
    if (!place) return result(boost::system::in_place_error, place.error());
    const auto& beside = place->held_directory;
    // Where it is not there yet it is made, below a directory that is.
    const auto parent = beside.substr(0, std::max<std::size_t>(beside.rfind('/'), 1));
    const storage::unique_fd above(place->held ? -1 : ::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const int other = place->held ? place->held.get() : above.get();
    const auto slot = other < 0 || one_mount(place->manifests.get(), other) ? place->beside() : place->within();
    return result(boost::system::in_place_value, foreseen_hold{slot.path(), undo_by_hand(*place, slot, undo_first)});
}

outcome<held_state> look_at_manifest(const manifest_place& where, const std::string& hash) {
    using result = outcome<held_state>;
    const auto place = open_place(where, {});
    if (!place) return result(boost::system::in_place_error, place.error());
    const auto slot = look_at(*place);
    if (!slot) return result(boost::system::in_place_error, slot.error());
    held_state out;
    out.record = slot->record;
    out.found = slot->found;
    out.trouble = slot->trouble;
    out.held_path = slot->slot.path();
    file_stamp known;
    if (slot->found) known = slot->found->stamp;
    else known.hash = hash;
    using file_state = held_state::file_state;
    if (slot->held.state != seen_file::what::none) {
        const bool taking = slot->found && slot->found->taking;  // then it is what was there, whatever it is
        const bool as_recorded = slot->held.state == seen_file::what::whole && (taking || same_content(slot->held.stamp, known));
        out.held = as_recorded ? file_state::as_recorded : file_state::other;
        if (taking) known = slot->held.stamp;
    }
    const auto target = see_file(place->manifests.get(), place->name);
    if (target.state != seen_file::what::none) {
        const bool same = target.state == seen_file::what::whole && same_content(target.stamp, known);
        out.target = same ? held_state::target_state::same : held_state::target_state::other;
    }
    return result(boost::system::in_place_value, std::move(out));
}

}  // namespace launcher
