#include "auth/audit_reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "auth/audit_segments.h"

namespace auth {
namespace {

constexpr std::size_t read_size = 256 * 1024;

using file_id = std::pair<std::uint64_t, std::uint64_t>;

audit_file open_to_read(const std::string& path) { return audit_file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)); }

// Device and inode; nothing for what is no plain file.
file_id id_of(const audit_file& file) {
    struct stat info {};
    if (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    return {info.st_dev, info.st_ino};
}

template <class T>
outcome<T> failed(std::string why) {
    return outcome<T>(boost::system::in_place_error, std::move(why));
}

}  // namespace

outcome<audit_stream> audit_stream::open(const std::string& path) {
    audit_stream out;
    std::error_code ec;
    out.path_ = std::filesystem::is_directory(path, ec) ? path + "/audit.jsonl" : path;
    if (const auto wrong = out.gather(); !wrong.empty()) return failed<audit_stream>(wrong);
    if (out.files_.empty()) return failed<audit_stream>("the audit " + out.path_ + " cannot be read: " + std::strerror(ENOENT));
    return out;
}

// Takes in the files that were not seen yet; what hindered it, or "".
//
// The newest is opened before the others are listed, and what was rotated away after it is left for the
// next time: so none is missed, and none comes before its turn, however often the writer rotates.
std::string audit_stream::gather() {
    const auto cannot = [](const std::string& path) { return "the audit file " + path + " cannot be read: " + std::strerror(errno); };
    source newest{file_name_of(path_), open_to_read(path_)};
    if (!newest.file.is_open() && errno != ENOENT) return cannot(path_);
    newest_missing_ = !newest.file.is_open();
    const auto newest_id = newest_missing_ ? file_id() : id_of(newest.file);
    if (!newest_missing_ && newest_id == file_id()) return path_ + " is not a plain file";
    for (const auto& path : rotated_files(path_)) {
        source one{file_name_of(path), open_to_read(path)};
        if (!one.file.is_open() && errno == ENOENT) continue;  // removed meanwhile
        if (!one.file.is_open()) return cannot(path);
        const auto id = id_of(one.file);
        if (id == file_id()) return path + " is not a plain file";
        if (id == newest_id) break;
        if (seen_.insert(id).second) files_.push_back(std::move(one));
    }
    if (!newest_missing_ && seen_.insert(newest_id).second) files_.push_back(std::move(newest));
    return {};
}

bool audit_stream::fill() {
    held_.erase(0, at_);
    at_ = 0;
    const audit_file& file = files_.front().file;
    if (file.size() < position_) {  // the writer took back what it could not write whole
        position_ = file.size();
        held_.clear();
        skipping_ = false;
    }
    const std::string more = file.read(position_, read_size);
    position_ += more.size();
    held_ += more;
    return !more.empty();
}

audit_stream::step audit_stream::next() {
    if (files_.empty()) return step::end;
    if (!begun_) {
        begun_ = true;
        name_ = files_.front().name;
        line_ = 0;
        return step::file;
    }
    for (;;) {
        const std::size_t end = held_.find('\n', at_);
        if (end != std::string::npos) {
            ++line_;
            text_.assign(held_, at_, end - at_);
            at_ = end + 1;
            if (!std::exchange(skipping_, false) && text_.size() <= max_audit_line) return step::line;
            return step::too_long;
        }
        if (held_.size() - at_ > max_audit_line) {
            skipping_ = true;
            at_ = held_.size();
        }
        if (fill()) continue;
        if (files_.size() == 1) {
            gather();  // what cannot be opened now may be later
            if (files_.size() == 1) return step::end;
            continue;  // what was written before it was rotated away comes first
        }
        text_ = held_.substr(at_);
        held_.clear();
        at_ = position_ = 0;
        const bool cut = !text_.empty() || std::exchange(skipping_, false);
        files_.pop_front();
        begun_ = false;
        if (cut) return ++line_, step::incomplete;
        return next();
    }
}

outcome<audit_summary> verify_audit(const std::string& path, audit_chain::expectations what) {
    auto stream = audit_stream::open(path);
    if (!stream) return failed<audit_summary>(stream.error());
    audit_chain chain(std::move(what));
    using step = audit_stream::step;
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    for (;;) {
        const step now = stream->next();
        if (now == step::file) chain.begin_file(stream->name());
        if (now == step::line) chain.line(stream->text());
        if (now == step::too_long) chain.bad_line("longer than any record");
        if (now == step::incomplete) chain.bad_line("the line has no end");
        if (now != step::end) continue;
        if (!stream->unfinished()) break;
        // A gateway may be in the middle of writing it.
        if (std::chrono::steady_clock::now() > patience) {
            chain.bad_line("the last line has no end: cut off, or left by a crash");
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (stream->newest_missing()) chain.fault("the newest file, " + file_name_of(path) + ", is not here");
    return chain.finish();
}

outcome<std::vector<audit_anchor>> read_anchors(const std::string& path) {
    const audit_file file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.is_open()) return failed<std::vector<audit_anchor>>("the anchors " + path + " cannot be read: " + std::strerror(errno));
    constexpr std::size_t most = 256u << 20;
    if (file.size() > most) return failed<std::vector<audit_anchor>>("the anchors " + path + " are more than 256 MiB");
    const std::string text = file.read(0, file.size());
    std::vector<audit_anchor> out;
    std::size_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        ++number;
        // What a crash left of the last one: it was not published.
        if (end == std::string::npos) break;
        auto anchor = parse_anchor_line(std::string_view(text).substr(at, end - at));
        if (!anchor) return failed<std::vector<audit_anchor>>(path + ":" + std::to_string(number) + ": " + anchor.error());
        out.push_back(std::move(*anchor));
        at = end + 1;
    }
    return out;
}

bool audit_filter::takes(const audit_entry& e) const {
    if (!user.empty() && e.user != user) return false;
    if (!component.empty() && e.component != component) return false;
    if (!session.empty() && e.session != session) return false;
    if (e.time < since) return false;
    if (!kinds.empty() && !kinds.contains(e.kind)) return false;
    return classes.empty() || e.classes.without(classes) != e.classes;
}

}  // namespace auth
