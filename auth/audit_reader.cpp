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

template <class T>
outcome<T> failed(std::string why) {
    return outcome<T>(boost::system::in_place_error, std::move(why));
}

}  // namespace

// The newest file is opened before the others are listed: what is rotated away meanwhile is then seen
// twice, not missed, and known by its inode.
outcome<audit_stream> audit_stream::open(const std::string& path) {
    audit_stream out;
    std::error_code ec;
    out.path_ = std::filesystem::is_directory(path, ec) ? path + "/audit.jsonl" : path;
    audit_file newest(::open(out.path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    const int error = errno;
    const auto rotated = rotated_files(out.path_);
    if (!newest.is_open() && (error != ENOENT || rotated.empty()))
        return failed<audit_stream>("the audit " + out.path_ + " cannot be read: " + std::strerror(error));
    out.newest_missing_ = !newest.is_open();

    struct stat info {};
    std::pair<std::uint64_t, std::uint64_t> newest_id;
    if (newest.is_open()) {
        if (::fstat(newest.fd(), &info) != 0 || !S_ISREG(info.st_mode)) return failed<audit_stream>(out.path_ + " is not a plain file");
        newest_id = {info.st_dev, info.st_ino};
        out.seen_.insert(newest_id);
    }
    for (const auto& file : rotated)
        if (!out.add(file)) return failed<audit_stream>("the audit file " + file + " cannot be read: " + std::strerror(errno));
    if (newest.is_open()) out.files_.push_back({file_name_of(out.path_), std::move(newest)});
    return out;
}

bool audit_stream::add(const std::string& path) {
    audit_file file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.is_open()) return errno == ENOENT;  // removed meanwhile
    struct stat info {};
    if (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
    if (seen_.emplace(info.st_dev, info.st_ino).second) files_.push_back({file_name_of(path), std::move(file)});
    return true;
}

// Whether newer files have come.
bool audit_stream::refresh() {
    const std::size_t before = files_.size();
    for (const auto& file : rotated_files(path_)) add(file);
    add(path_);
    return files_.size() > before;
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
            if (!refresh()) return step::end;
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
