#include "launcher/held_return.h"

#include <cerrno>

#include "launcher/held_record.h"
#include "storage/shell_word.h"

namespace launcher {

namespace {

using storage::shell_word;
using record_state = held_state::record_state;
using what = seen_file::what;

template <class T>
outcome<T> failed(std::string why) {
    return outcome<T>(boost::system::in_place_error, std::move(why));
}

outcome<put_back_report> done(put_back_report report) {
    return outcome<put_back_report>(boost::system::in_place_value, std::move(report));
}

std::string name_of(const held_place& place, const slot_state& state) {
    return state.found && !state.found->component.empty() ? state.found->component : place.name;
}

// What a killed run of ours may have left half written; nobody needs it.
void sweep(const held_place& place) {
    for (const auto& slot : {place.beside(), place.within()})
        if (slot.dir >= 0) remove_file(slot.dir, (slot.record[0] == '.' ? "" : ".") + slot.record + ".new");
    remove_file(place.manifests.get(), "." + place.name + ".delvegate-copy");
}

int drop_record(const held_slot& slot) {
    if (const int error = remove_file(slot.dir, slot.record)) return error;
    return flush(slot.dir);
}

// What is held gets a dated name, its record after it; in this order no file is ever without one that tells of it.
// Returns the path of the file, or of the record where there is no file any more.
outcome<std::string> store_dated(const slot_state& state) {
    const auto& slot = state.slot;
    const auto wall = now().wall;
    for (int n = 0; n < 1000; ++n) {
        int error = 0;
        if (state.held.state != what::none) error = move_file(slot.dir, slot.file, slot.dir, slot.dated(wall, n));
        if (error == EEXIST) continue;
        if (error == 0 && state.record != record_state::none) {
            error = move_file(slot.dir, slot.record, slot.dir, slot.dated_record(wall, n));
            if (error == EEXIST && state.held.state == what::none) continue;
        }
        if (error == 0) error = flush(slot.dir);
        if (error != 0) return failed<std::string>("cannot store " + slot.path() + " under a dated name: " + errno_text(error));
        const auto name = state.held.state != what::none ? slot.dated(wall, n) : slot.dated_record(wall, n);
        return outcome<std::string>(boost::system::in_place_value, slot.directory + "/" + name);
    }
    return failed<std::string>("cannot find a free name to store " + slot.path() + " under");
}

outcome<put_back_report> supersede(const held_place& place, const slot_state& state) {
    auto stored = store_dated(state);
    if (!stored) return failed<put_back_report>(stored.error());
    put_back_report report{put_back_result::superseded, *stored, {}};
    report.remarks.push_back("another " + place.target() + " is there, and was left as it is; the one that was held is " +
                             *stored + "; compare them: diff " + shell_word(*stored) + " " + shell_word(place.target()));
    return done(std::move(report));
}

// Only the record is left: of a hold that was killed before the move, or of a return killed after it.
outcome<put_back_report> nothing_but_a_record(const held_place& place, const slot_state& state, const seen_file& target) {
    const auto& record = *state.found;
    if (target.state == what::none && !record.taking)
        return failed<put_back_report>(place.target() + " is neither in its place nor held any more (it should be " +
                                       state.slot.path() + "); put one there from a backup, then run: rm " +
                                       shell_word(state.slot.record_path()));
    put_back_report report;
    const bool same = target.state == what::whole && same_content(target.stamp, record.stamp);
    if (!record.taking && !same) return supersede(place, state);
    if (!record.taking) {
        const bool ours = target.stamp.device == record.stamp.device && target.stamp.inode == record.stamp.inode;
        report.result = ours ? put_back_result::put_back : put_back_result::already_there_same;
    }
    if (const int error = drop_record(state.slot))
        return failed<put_back_report>("cannot remove " + state.slot.record_path() + ": " + errno_text(error));
    return done(std::move(report));
}

// `restore_stamp`: with owner, mode, attributes and time as recorded. An empty error: another file has just come.
outcome<put_back_report> return_it(const held_place& place, const slot_state& state, bool restore_stamp) {
    const auto& slot = state.slot;
    const int manifests = place.manifests.get();
    put_back_report report{put_back_result::put_back, {}, {}};
    const auto remark = [&](const std::string& text, int error) {
        report.remarks.push_back(text + ": " + errno_text(error));
    };

    if (restore_stamp)
        if (const int error = restamp(slot.dir, slot.file, state.found->stamp))
            remark(place.target() + " could not get back its owner, mode, attributes and time", error);
    int error = move_file(slot.dir, slot.file, manifests, place.name);
    const bool copied = error == EXDEV;
    if (copied)
        error = copy_file(slot.dir, slot.file, manifests, place.name, restore_stamp ? state.found->stamp : state.held.stamp);
    if (error == EEXIST) return failed<put_back_report>("");
    if (error != 0)
        return failed<put_back_report>("cannot put " + slot.path() + " back as " + place.target() + ": " + errno_text(error) +
                                       "; when that is mended run: delvegate restore " + name_of(place, state));
    if (copied)
        report.remarks.push_back(place.target() + " is on another filesystem than before: it is a copy with the same content, "
                                                  "owner, mode and time, but another inode");
    // It is back. What fails now is told, and the record is left to finish by.
    if ((error = flush(manifests)) != 0) remark("cannot flush " + place.directory, error);
    else if (copied && (error = remove_file(slot.dir, slot.file)) != 0) remark("cannot remove " + slot.path(), error);
    else if (slot.dir != manifests && (error = flush(slot.dir)) != 0) remark("cannot flush " + slot.directory, error);
    else if ((error = drop_record(slot)) != 0) remark("cannot remove " + slot.record_path(), error);
    return done(std::move(report));
}

outcome<put_back_report> drop_ours(const slot_state& state) {
    const auto& slot = state.slot;
    int error = remove_file(slot.dir, slot.file);
    if (error == 0) error = flush(slot.dir);  // the record must not go before the file
    if (error == 0) error = drop_record(slot);
    if (error != 0) return failed<put_back_report>("cannot remove " + slot.path() + ": " + errno_text(error));
    return done({put_back_result::already_there_same, {}, {}});
}

std::string how_to_decide(const held_place& place, const slot_state& state) {
    return "; look at it, then as root: delvegate restore " + name_of(place, state) +
           " --put-back-ours, or --keep-theirs to keep it out";
}

// What somebody else has put in its place, stored beside ours (or under a dot-name where that is another filesystem). Where
// it is now. Should we be killed after this, ours comes back by itself: nothing is in its place any more.
outcome<std::string> store_theirs(const held_place& place, const held_slot& ours) {
    const auto wall = now().wall;
    const int manifests = place.manifests.get();
    int error = EXDEV;
    for (const auto& to : {ours, place.within()}) {
        error = EEXIST;
        std::string name;
        for (int n = 0; n < 1000 && error == EEXIST; ++n) {
            name = to.dated(wall, n);
            error = move_file(manifests, place.name, to.dir, name);
        }
        if (error == 0) error = flush(to.dir);
        if (error == 0 && to.dir != manifests) error = flush(manifests);
        if (error == 0) return outcome<std::string>(boost::system::in_place_value, to.directory + "/" + name);
        if (error != EXDEV) break;
    }
    return failed<std::string>("cannot store " + place.target() + " under a dated name: " + errno_text(error) +
                               "; nothing was put back");
}

}  // namespace

outcome<put_back_report> bring_back(const held_place& place, const put_back_options& options) {
    sweep(place);
    std::vector<std::string> stored;  // remarks of what was theirs
    for (int tries = 0; tries < 100; ++tries) {
        const auto state = look_at(place);
        if (!state) return failed<put_back_report>(state.error());
        const auto target = see_file(place.manifests.get(), place.name);
        if (state->held.state == what::none) {
            if (state->record == record_state::none) return done({});
            if (state->record == record_state::good) return nothing_but_a_record(place, *state, target);
            return failed<put_back_report>(state->trouble + "; and nothing is held beside it; run: rm " +
                                           shell_word(state->slot.record_path()));
        }
        if (target.state != what::none) {
            const bool same = target.state == what::whole && state->held.state == what::whole &&
                              same_content(target.stamp, state->held.stamp);
            if (same) return drop_ours(*state);
            if (!options.over_theirs) return supersede(place, *state);
            if (state->held.state != what::whole)
                return failed<put_back_report>(state->slot.path() + ": " + state->held.why + "; " + place.target() +
                                               " was left as it is");
            const auto theirs = store_theirs(place, state->slot);
            if (!theirs) return failed<put_back_report>(theirs.error());
            stored.push_back("the " + place.target() + " that was there is kept as " + *theirs);
            continue;
        }
        const bool taking = state->found && state->found->taking;  // then it is what was there, whatever it is
        const bool whole = state->held.state == what::whole;
        const bool as_recorded = whole && state->found && same_content(state->held.stamp, state->found->stamp);
        const bool as_journalled = whole && !state->found && !options.hash.empty() && state->held.stamp.hash == options.hash;
        if (!as_recorded && !as_journalled && !taking && !options.whatever_it_is) {
            if (state->record == record_state::malformed)
                return failed<put_back_report>(state->trouble + "; nothing was moved" + how_to_decide(place, *state));
            return failed<put_back_report>(state->slot.path() +
                                           (state->found ? " is not what was taken out: its content has changed"
                                                         : " has no record of what it was") +
                                           how_to_decide(place, *state));
        }
        auto report = return_it(place, *state, as_recorded && !taking);
        if (report) report->remarks.insert(report->remarks.begin(), stored.begin(), stored.end());
        if (report || !report.error().empty()) return report;
        // Another file has just come: look again.
    }
    return failed<put_back_report>(place.target() + " comes and goes; find out who writes it, then run: delvegate restore");
}

outcome<put_back_report> put_back_manifest(const manifest_place& where, const put_back_options& options) {
    const auto place = open_place(where, {false, true});
    if (!place) return failed<put_back_report>(place.error());
    return bring_back(*place, options);
}

outcome<std::string> set_aside_manifest(const manifest_place& where) {
    const auto place = open_place(where, {false, true});
    if (!place) return failed<std::string>(place.error());
    sweep(*place);
    const auto state = look_at(*place);
    if (!state) return failed<std::string>(state.error());
    if (state->empty()) return failed<std::string>("nothing is held of " + place->target());
    return store_dated(*state);
}

}  // namespace launcher
