#include "auth/audit_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "auth/audit_segments.h"

namespace auth {
namespace {

constexpr std::int64_t second = 1'000'000'000;

}  // namespace

void audit_log::append_line(std::string& out, audit_head& head, std::uint64_t sequence, std::int64_t time,
                            std::string_view body) {
    const std::size_t start = out.size();
    char digits[24];
    out += "{\"sequence\":";
    out.append(digits, std::to_chars(digits, digits + sizeof digits, sequence).ptr);
    out += ",\"time\":\"";
    append_time(out, time);
    out += '"';
    out += body;
    out += ",\"previous\":\"";
    out += head.hash;
    out += '"';
    hasher_.add(std::string_view(out).substr(start));
    head.sequence = sequence;
    head.hash.clear();
    hasher_.append_hex(head.hash);
    out += ",\"hash\":\"";
    out += head.hash;
    out += "\"}\n";
}

void audit_log::append_gap(std::string& out, state& next, std::uint64_t through) {
    const std::uint64_t count = through - next.head.sequence;
    const std::string why = trouble_.empty() ? "records came faster than they could be written" : trouble_;
    std::string body;
    append_audit_body(body, {.kind = audit_kind::gap, .lost = count, .result = why});
    append_line(out, next.head, through, files_.clock(), body);
    next.lost += count;
}

void audit_log::write(std::span<audit_item> items) {
    std::size_t done = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (!items[i].rotate) continue;
        write_run(items.subspan(done, i - done));
        rotate(items[i]);
        done = i + 1;
    }
    write_run(items.subspan(done));
}

void audit_log::write_run(std::span<audit_item> items) {
    if (items.empty()) return;
    if (full_) return into_reserve(items);
    state next = now();
    out_.clear();
    bool wait = false;
    for (const audit_item& item : items) {
        if (item.lost) continue;
        if (item.sequence > next.head.sequence + 1) append_gap(out_, next, item.sequence - 1);
        append_line(out_, next.head, item.sequence, item.time, item.body);
        wait |= item.before;
    }
    through_ = items.back().sequence;
    if (through_ > next.head.sequence) append_gap(out_, next, through_);

    if (const int error = main_.append(*files_.calls, out_)) {
        fall_back(error, now());
        // The reserve must follow something that is surely there.
        if (const int worse = unsynced() ? main_.sync(*files_.calls) : 0)
            fall_back(worse, synced_);
        else
            synced_ = now();
        return into_reserve(items);
    }
    next.size += out_.size();
    head_ = next.head;
    size_ = next.size;
    lost_ = next.lost;
    if (wait && !sync()) return into_reserve(items);
    for (audit_item& item : items) item.kept = !item.lost;
}

// After a failed sync nobody knows what is on disk: what was not synced before is taken back, and counted
// as lost, rather than chained to.
bool audit_log::sync() {
    if (full_) return false;
    if (!unsynced()) return true;
    if (const int error = main_.sync(*files_.calls)) {
        fall_back(error, synced_);
        return false;
    }
    synced_ = now();
    return true;
}

void audit_log::fall_back(int error, const state& to) {
    trouble_ = std::strerror(error);
    full_ = true;
    const state target = to;  // may be a member
    head_ = target.head;
    size_ = target.size;
    lost_ = target.lost;
    if (synced_.size > size_) synced_ = target;
    dirty_ = main_.truncate(*files_.calls, size_) != 0;
}

void audit_log::into_reserve(std::span<audit_item> items) {
    for (audit_item& item : items) {
        through_ = item.sequence;
        item.kept = false;
        if (item.lost || !item.releases) continue;
        state next = now();
        out_.clear();
        if (item.sequence > next.head.sequence + 1) append_gap(out_, next, item.sequence - 1);
        append_line(out_, next.head, item.sequence, item.time, item.body);
        if (reserve_.append(out_) != 0) continue;
        head_ = next.head;
        lost_ = next.lost;
        item.kept = true;
    }
}

bool audit_log::retry() {
    if (!full_) return true;
    if (dirty_ && main_.truncate(*files_.calls, size_) != 0) return false;
    dirty_ = false;
    state next = now();
    out_ = reserve_.lines();
    if (through_ > next.head.sequence) append_gap(out_, next, through_);
    int error = main_.append(*files_.calls, out_);
    if (!error) error = main_.sync(*files_.calls);
    if (error) {
        trouble_ = std::strerror(error);
        dirty_ = main_.truncate(*files_.calls, size_) != 0;
        return false;
    }
    head_ = next.head;
    size_ += out_.size();
    lost_ = next.lost;
    synced_ = now();
    full_ = false;
    trouble_.clear();
    reserve_.clear();  // what cannot be cleared is known again at the next start, by its hashes
    return true;
}

std::uint64_t audit_log::lost() const { return lost_ + (full_ ? through_ - head_.sequence : 0); }

bool audit_log::wants_rotation() const {
    if (full_ || (size_ <= began_size_ && disturbed_.empty())) return false;
    const std::int64_t now = files_.clock();
    if (rotation_failed_ && std::llabs(now - rotation_failed_) < 10 * second) return false;
    if (!disturbed_.empty()) return true;
    if (size_ >= files_.rotate_size) return true;
    return files_.rotate_age.count() > 0 && (now - began_) / second >= files_.rotate_age.count();
}

bool audit_log::in_place() {
    if (full_) return true;
    struct stat there {}, ours {};
    if (::fstat(main_.fd(), &ours) != 0) return true;
    if (::lstat(files_.file.c_str(), &there) != 0 || there.st_ino != ours.st_ino || there.st_dev != ours.st_dev)
        disturbed_ = "the file was taken away while it was written to";
    else if (static_cast<std::uint64_t>(ours.st_size) != size_)
        disturbed_ = "the file was changed by somebody else while it was written to";
    return disturbed_.empty();
}

void audit_log::rotate(audit_item& item) {
    item.kept = false;
    through_ = item.sequence;
    if (!sync()) return;  // full: the hole is filled later
    if (const int error = begin_file(item)) {
        trouble_ = std::string("the file could not be rotated: ") + std::strerror(error);
        rotation_failed_ = files_.clock();
        audit_item hole = item;
        hole.lost = true;
        return write_run({&hole, 1});
    }
    item.kept = true;
    trouble_.clear();
    disturbed_.clear();
    ++rotations_;
    rotation_failed_ = 0;
    forget_old_files();
}

// The new file is complete, with its first record, before the old one loses its name.
int audit_log::begin_file(const audit_item& item) {
    const std::string next_path = files_.file + ".next";
    const std::string old_path = rotated_name(files_.file, rotated_files(files_.file), files_.clock());
    ::unlink(next_path.c_str());
    auto made = open_audit_file(next_path, O_RDWR | O_APPEND | O_CREAT | O_EXCL);
    if (!made) return errno ? errno : EIO;

    const std::string old_name = file_name_of(old_path);
    const audit_touch touched{"file", old_name};
    std::string body;
    append_audit_body(body, {.kind = audit_kind::rotate, .ref = head_.sequence, .touched = {&touched, 1}, .result = disturbed_});
    state next = now();
    out_.clear();
    append_line(out_, next.head, item.sequence, item.time, body);
    int error = made->append(*files_.calls, out_);
    if (!error) error = made->sync(*files_.calls);
    if (!error && files_.calls->rename(files_.file.c_str(), old_path.c_str()) != 0 && (errno != ENOENT || disturbed_.empty()))
        error = errno;
    if (error) {
        ::unlink(next_path.c_str());
        return error;
    }
    if (files_.calls->rename(next_path.c_str(), files_.file.c_str()) != 0) {
        error = errno;
        files_.calls->rename(old_path.c_str(), files_.file.c_str());
        ::unlink(next_path.c_str());
        return error;
    }
    sync_directory(directory_of(files_.file));
    main_ = std::move(*made);
    head_ = next.head;
    size_ = began_size_ = out_.size();
    synced_ = now();
    began_ = files_.clock();
    return 0;
}

void audit_log::forget_old_files() const {
    auto files = rotated_files(files_.file);
    std::size_t keep = files_.keep_files ? files_.keep_files : files.size();
    for (std::size_t i = 0; i < files.size(); ++i) {
        struct stat info {};
        const bool old = files_.keep_age.count() > 0 && ::stat(files[i].c_str(), &info) == 0 &&
                         files_.clock() / second - info.st_mtim.tv_sec > files_.keep_age.count();
        if (files.size() - i > keep || old) ::unlink(files[i].c_str());
    }
}

}  // namespace auth
