// Reading an audit over all its files, while it may be written: line by line, checked, or followed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/audit_chain.h"
#include "auth/audit_disk.h"

namespace auth {

// The lines of an audit, oldest file first. Holds no more than one line and one read.
class audit_stream {
public:
    enum class step : std::uint8_t {
        line,        // text()
        too_long,    // a line longer than any record was skipped
        incomplete,  // the file's last line has no end; text() is what is there
        file,        // a file begins: name()
        end,         // nothing more now; asking again goes on where something was added
    };

    // `path`: the audit's newest file (with those rotated away from it), a directory with an audit.jsonl,
    // or one rotated file (alone).
    static outcome<audit_stream> open(const std::string& path);

    // Survives rotation: goes on in the newer files. While a file is the newest, what of its last line is
    // there is kept for later (`end`); `incomplete` is told for older files.
    step next();
    std::string_view text() const { return text_; }
    const std::string& name() const { return name_; }
    std::uint64_t line() const { return line_; }
    bool unfinished() const { return skipping_ || at_ < held_.size(); }  // a line without an end (yet)
    bool newest_missing() const { return newest_missing_; }    // rotated files, and no audit.jsonl

private:
    struct source {
        std::string name;
        audit_file file;
    };

    std::string gather();
    bool fill();

    std::string path_;
    bool newest_missing_ = false;
    std::deque<source> files_;                      // the first is being read
    std::set<std::pair<std::uint64_t, std::uint64_t>> seen_;  // device and inode
    bool begun_ = false;
    std::uint64_t position_ = 0;
    std::string held_;
    std::size_t at_ = 0;
    bool skipping_ = false;
    std::string text_, name_;
    std::uint64_t line_ = 0;
};

// Checks all of an audit. The error is for one that cannot be read at all.
outcome<audit_summary> verify_audit(const std::string& path, audit_chain::expectations what);

// Anchors of a file as the gateway writes it, one a line. Error: with its line.
outcome<std::vector<audit_anchor>> read_anchors(const std::string& file);

struct audit_filter {
    std::string user{}, component{}, session{};  // empty: any
    std::int64_t since = 0;                      // wall clock, ns
    ::protocol::class_set classes{};             // any of these; empty: any
    std::set<audit_kind> kinds{};                // any of these; empty: any

    bool takes(const audit_entry& entry) const;
};

}  // namespace auth
