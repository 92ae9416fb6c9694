// Opening the audit: what an earlier run, a crash or a meddler left is looked at before anything is
// appended to it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "auth/audit_log.h"
#include "auth/audit_segments.h"

namespace auth {
namespace {

constexpr std::size_t window = 16u << 20;  // of the file's end, verified at open

struct scan {
    audit_head head;
    std::uint64_t good = 0;     // bytes up to the end of the last whole record
    std::uint64_t highest = 0;  // sequence that could be read
    std::int64_t began = 0;     // time of the first record
    std::string broken;         // not empty: what is wrong
    std::set<std::string> seen; // of the hashes asked for
};

bool may_begin(const audit_entry& e) {
    if (e.kind == audit_kind::rotate || e.kind == audit_kind::broken) return true;
    return e.previous == no_hash && (e.sequence == 1 || (e.kind == audit_kind::gap && e.sequence == e.lost));
}

bool follows(const audit_entry& e, const audit_head& head) {
    return e.previous == head.hash && e.sequence == head.sequence + (e.kind == audit_kind::gap ? e.lost : 1);
}

// What a crash can leave at the end: a part of one line, or blocks that were never filled.
bool torn(std::string_view rest) {
    return rest.size() <= max_audit_line || rest.find_first_not_of('\0') == std::string_view::npos;
}

scan scan_end(const audit_file& file, const std::set<std::string>& wanted) {
    scan out;
    const std::uint64_t size = file.size();
    if (const auto first = file.read(0, max_audit_line + 1); first.find('\n') != std::string::npos)
        if (const auto entry = parse_audit_line(first.substr(0, first.find('\n')))) out.began = entry->time;
    const std::uint64_t from = size > window ? size - window : 0;
    const std::string text = file.read(from, std::min<std::uint64_t>(size, window));
    std::size_t at = from == 0 ? 0 : std::min(text.size(), text.find('\n')) + 1;
    bool first = true;
    out.good = from + std::min(at, text.size());
    while (at < text.size()) {
        const std::size_t end = text.find('\n', at);
        if (end == std::string::npos) break;
        const std::string where = "at byte " + std::to_string(from + at) + ": ";
        const auto entry = parse_audit_line(std::string_view(text).substr(at, end - at));
        if (!entry) {
            out.broken = where + entry.error();
            return out;
        }
        out.highest = std::max(out.highest, entry->sequence);
        if (!entry->hash_fits) out.broken = where + "the record was changed";
        else if (first ? from == 0 && !may_begin(*entry) : !follows(*entry, out.head))
            out.broken = where + "the record does not follow the one before";
        if (!out.broken.empty()) return out;
        if (wanted.contains(entry->hash)) out.seen.insert(entry->hash);
        out.head = {entry->sequence, entry->hash};
        at = end + 1;
        out.good = from + at;
        first = false;
    }
    if (!torn(std::string_view(text).substr(std::min(at, text.size())))) out.broken = "the last line is longer than any record";
    return out;
}

std::vector<audit_entry> entries_of(std::string_view lines) {
    std::vector<audit_entry> out;
    while (!lines.empty()) {
        const std::size_t end = lines.find('\n');
        auto entry = parse_audit_line(lines.substr(0, end));
        if (!entry || !entry->hash_fits) break;
        out.push_back(std::move(*entry));
        lines.remove_prefix(std::min(lines.size(), end + 1));
    }
    return out;
}

template <class T = void>
outcome<T> failed(std::string why) {
    return outcome<T>(boost::system::in_place_error, std::move(why));
}

}  // namespace

outcome<std::unique_ptr<audit_log>> audit_log::open(const audit_files& files, std::vector<std::string>& notes) {
    using result = std::unique_ptr<audit_log>;
    std::unique_ptr<audit_log> log(new audit_log(files));
    const std::string directory = directory_of(files.file);
    if (auto made = ensure_directory(directory); !made) return failed<result>(made.error());
    auto lock = audit_lock::take(files.file + ".lock");
    if (!lock) return failed<result>(lock.error());
    log->lock_ = std::move(*lock);
    ::unlink((files.file + ".next").c_str());  // of a rotation that did not come about
    if (auto done = log->recover(notes); !done) return failed<result>(done.error());
    log->lost_ = log->synced_.lost = 0;
    sync_directory(directory);
    return outcome<result>(std::move(log));
}

outcome<void> audit_log::recover(std::vector<std::string>& notes) {
    auto file = open_audit_file(files_.file, O_RDWR | O_APPEND | O_CREAT);
    if (!file) return failed(file.error());
    main_ = std::move(*file);
    std::string found;
    auto reserve = audit_reserve::open(files_.file + ".reserve", files_.reserve, *files_.calls, found);
    if (!reserve) return failed(reserve.error());
    reserve_ = std::move(*reserve);
    std::set<std::string> wanted;
    for (const auto& entry : entries_of(found)) wanted.insert(entry.hash);

    const auto rotated = rotated_files(files_.file);
    const std::uint64_t size = main_.size();
    began_ = files_.clock();
    std::set<std::string> seen;
    std::string cut_off;
    if (size == 0 && !rotated.empty()) {
        // A crash between two renames, or somebody took the file away: anchors tell which.
        const std::string name = file_name_of(rotated.back());
        auto before = open_audit_file(rotated.back(), O_RDONLY);
        if (!before) return failed(before.error());
        const scan last = scan_end(*before, wanted);
        const bool sound = last.broken.empty() && last.good == before->size() && last.head.sequence;
        head_ = sound ? last.head : audit_head{last.highest, std::string(no_hash)};
        through_ = head_.sequence;
        const std::string why = sound ? "the file was missing; the chain goes on" : "the end of the file before is broken";
        const audit_touch touched{"file", name};
        if (!note({.kind = sound ? audit_kind::rotate : audit_kind::broken, .ref = sound ? head_.sequence : 0,
                   .touched = {&touched, 1}, .result = why}))
            return failed("the audit " + files_.file + " cannot be begun: " + trouble_);
        notes.push_back("the audit " + files_.file + " was missing; it goes on after " + name);
        seen = last.seen;
    } else if (size > 0) {
        const scan end = scan_end(main_, wanted);
        seen = end.seen;
        if (!end.broken.empty()) {
            if (auto done = set_aside(end.highest, end.broken, notes); !done) return done;
        } else {
            head_ = end.head;
            through_ = head_.sequence;
            size_ = end.good;
            if (end.began) began_ = end.began;
            synced_ = now();
            if (const int error = main_.sync(*files_.calls)) return failed(files_.file + " cannot be synced: " + std::strerror(error));
            cut_off = main_.read(end.good, window);
            if (const int error = cut_off.empty() ? 0 : main_.truncate(*files_.calls, size_))
                return failed(files_.file + " cannot be put in order: " + std::strerror(error));
        }
    }
    if (auto done = merge_reserve(found, seen, notes); !done) return done;
    if (cut_off.empty()) return {};
    sha256_hasher hash;
    const std::string bytes = std::to_string(cut_off.size());
    const std::string digest = "sha256:" + hash.hex(cut_off);
    const audit_touch touched[] = {{"bytes", bytes}, {"digest", digest}};
    note({.kind = audit_kind::recovered, .touched = touched, .result = "the last line was incomplete and was cut off"});
    notes.push_back("the audit's last line was incomplete (" + bytes + " bytes, after a crash) and was cut off");
    return {};
}

outcome<void> audit_log::set_aside(std::uint64_t highest, const std::string& why, std::vector<std::string>& notes) {
    const std::string aside = rotated_name(files_.file, rotated_files(files_.file), files_.clock());
    if (files_.calls->rename(files_.file.c_str(), aside.c_str()) != 0)
        return failed("the audit " + files_.file + " is broken (" + why + ") and cannot be set aside");
    auto file = open_audit_file(files_.file, O_RDWR | O_APPEND | O_CREAT | O_EXCL);
    if (!file) return failed(file.error());
    main_ = std::move(*file);
    head_ = {highest, std::string(no_hash)};
    through_ = highest;
    size_ = 0;
    synced_ = now();
    const std::string name = file_name_of(aside);
    const audit_touch touched{"file", name};
    if (!note({.kind = audit_kind::broken, .touched = {&touched, 1}, .result = why}))
        return failed("the audit " + files_.file + " cannot be begun anew: " + trouble_);
    notes.push_back("THE AUDIT IS BROKEN: " + name + " " + why + "; it was kept, and a new chain begins");
    return {};
}

outcome<void> audit_log::merge_reserve(const std::string& found, const std::set<std::string>& in_main,
                                       std::vector<std::string>& notes) {
    const auto entries = entries_of(found);
    std::size_t skip = 0;
    while (skip < entries.size() && in_main.contains(entries[skip].hash)) ++skip;
    std::string rest;
    audit_head head = head_;
    bool fits = entries.size() == static_cast<std::size_t>(std::count(found.begin(), found.end(), '\n'));
    for (std::size_t i = skip; i < entries.size() && fits; ++i) {
        fits = follows(entries[i], head);
        head = {entries[i].sequence, entries[i].hash};
        rest += to_audit_line(entries[i]) + "\n";
    }
    if (!fits) {
        const std::string path = files_.file + ".reserve";
        const std::string aside = path + "-" + std::to_string(files_.clock());
        if (files_.calls->rename(path.c_str(), aside.c_str()) != 0) return failed(path + " does not belong to the audit, and cannot be set aside");
        std::string none;
        auto fresh = audit_reserve::open(path, files_.reserve, *files_.calls, none);
        if (!fresh) return failed(fresh.error());
        reserve_ = std::move(*fresh);
        const std::string name = file_name_of(aside);
        const audit_touch touched{"file", name};
        note({.kind = audit_kind::recovered, .touched = {&touched, 1},
              .result = "a reserve that does not follow this chain was set aside"});
        notes.push_back("the audit's reserve does not follow its chain; it was kept as " + name);
        return {};
    }
    if (rest.empty()) {
        if (!full_) reserve_.clear();
        return {};
    }
    // As if the disk had been full until now.
    reserve_.keep(rest);
    head_ = head;
    through_ = std::max(through_, head.sequence);
    full_ = true;
    if (retry()) notes.push_back("records from the audit's reserve were brought back");
    return {};
}

// A record of our own, before there is anybody else; false when it is nowhere.
bool audit_log::note(const audit_record& record) {
    std::string body;
    append_audit_body(body, record);
    audit_item item{.sequence = through_ + 1, .time = files_.clock(), .body = body, .before = true, .releases = true};
    write_run({&item, 1});
    return item.kept;
}

}  // namespace auth
