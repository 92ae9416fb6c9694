#include "auth/audit_chain.h"

#include <algorithm>

#include "auth/audit_text.h"

namespace auth {
namespace {

constexpr std::size_t max_list = 100;
constexpr std::size_t max_recent = 65'536;

std::string numbers(std::uint64_t first, std::uint64_t last) {
    if (first == last) return "record " + std::to_string(first);
    return "records " + std::to_string(first) + " to " + std::to_string(last);
}

std::string at_time(std::int64_t time) {
    std::string out;
    append_time(out, time);
    return out;
}

}  // namespace

std::string to_string(const audit_fault& fault) {
    return fault.file + (fault.line ? ":" + std::to_string(fault.line) : "") + ": " + fault.what;
}

audit_chain::audit_chain(expectations what) : what_(std::move(what)) { take_anchors(std::move(what_.anchors)); }

void audit_chain::take_anchors(std::vector<audit_anchor> anchors) {
    file_ = "the anchors";
    std::uint64_t bare = 0;
    for (audit_anchor& one : anchors) {
        if (what_.key && one.signature.empty()) {
            ++bare;
            continue;
        }
        if (what_.key && !signed_by(one, what_.key)) {
            add(sum_.faults, 0, "the anchor for record " + std::to_string(one.sequence) + " is not signed by the key that was given");
            continue;
        }
        expected_.emplace(one.sequence, std::move(one));
    }
    if (bare) add(sum_.remarks, 0, std::to_string(bare) + " anchors are not signed and were not used");
}

void audit_chain::add(std::vector<audit_fault>& list, std::uint64_t line, std::string what) {
    if (list.size() < max_list) return list.push_back({file_, line, std::move(what)});
    if (&list == &sum_.faults) ++sum_.more_faults;
}

void audit_chain::begin_file(std::string name) {
    file_ = std::move(name);
    line_ = 0;
}

void audit_chain::fault(std::string what) { add(sum_.faults, 0, std::move(what)); }

void audit_chain::bad_line(std::string what) {
    ++line_;
    ++unread_;
    add(sum_.faults, line_, "this is not a record: " + what);
}

void audit_chain::line(std::string_view text) {
    const auto parsed = parse_audit_line(text);
    if (!parsed) return bad_line(parsed.error());
    ++line_;
    const audit_entry& e = *parsed;
    const std::string number = "record " + std::to_string(e.sequence);
    if (!e.hash_fits) add(sum_.faults, line_, number + " was changed: its content does not fit its hash");
    ++sum_.records;
    if (sum_.records == 1) {
        begin_chain(e);
    } else if (e.kind == audit_kind::broken) {
        add(sum_.faults, line_,
            "a new chain begins with " + number + ": the gateway found " + std::string(e.touch("file")) + " broken (" + e.result + ")");
    } else if (!follow(e)) {
        return;
    }
    if (e.kind == audit_kind::gap)
        add(sum_.remarks, line_, numbers(e.sequence - e.lost + 1, e.sequence) + " could not be written: " + e.result);
    if (e.kind == audit_kind::recovered) add(sum_.remarks, line_, "after a crash: " + e.result);
    remember(e);
    if (e.kind == audit_kind::anchor) check_inner_anchor(e);
}

void audit_chain::begin_chain(const audit_entry& e) {
    sum_.first = e.sequence;
    sum_.first_time = e.time;
    const std::uint64_t step = e.kind == audit_kind::gap ? e.lost : 1;
    if (e.sequence == step && e.previous == no_hash) {
        sum_.first = 1;
        return;
    }
    if (e.kind == audit_kind::broken)
        return add(sum_.faults, line_, "a new chain begins here: the gateway found " + std::string(e.touch("file")) + " broken (" + e.result + ")");
    if (e.sequence == step) return add(sum_.faults, line_, "record 1 does not begin a chain");
    const std::string missing = numbers(1, e.sequence - step) + (e.sequence - step == 1 ? " is" : " are") + " not here";
    if (what_.retained && e.kind == audit_kind::rotate)
        add(sum_.remarks, line_, missing + "; the file before was " + std::string(e.touch("file")));
    else
        add(sum_.faults, line_, missing + ": the beginning was removed" +
                                    (e.kind == audit_kind::rotate ? " (if old files are removed on purpose, say --retained)" : ""));
}

// Whether the record stands where it belongs, after what came before.
bool audit_chain::follow(const audit_entry& e) {
    const std::uint64_t step = e.kind == audit_kind::gap ? e.lost : 1;
    if (e.sequence < sequence_ + step) {
        out_of_order(e);
        return false;
    }
    const std::uint64_t missing = e.sequence - step - sequence_;
    if (missing == 0) {
        if (e.previous != hash_)
            add(sum_.faults, line_, "record " + std::to_string(e.sequence) + " does not continue record " +
                                        std::to_string(sequence_) + ": one of them was replaced");
    } else if (missing != unread_) {  // else: those that could not be read, told already
        if (sum_.faults.size() < max_list) holes_.push_back({sequence_ + 1, e.sequence - step, 0, sum_.faults.size()});
        add(sum_.faults, line_, numbers(sequence_ + 1, e.sequence - step) + (missing == 1 ? " is" : " are") +
                                    " missing before record " + std::to_string(e.sequence) + ": removed");
    }
    return true;
}

void audit_chain::out_of_order(const audit_entry& e) {
    const std::string number = "record " + std::to_string(e.sequence);
    const std::string after = " stands after record " + std::to_string(sequence_);
    for (hole& one : holes_) {
        if (e.sequence < one.first || e.sequence > one.last) continue;
        one.found += e.kind == audit_kind::gap ? e.lost : 1;
        // All of them are in the file, elsewhere: not removed but moved.
        if (one.found >= one.last - one.first + 1) {
            explained_.resize(std::max(explained_.size(), one.fault + 1));
            explained_[one.fault] = true;
        }
        return add(sum_.faults, line_, number + after + ": the order was changed");
    }
    add(sum_.faults, line_, number + after + ", and was there before: it was copied, or the order was changed");
}

void audit_chain::remember(const audit_entry& e) {
    sequence_ = sum_.last = e.sequence;
    sum_.last_time = e.time;
    hash_ = e.hash;
    unread_ = 0;
    recent_.push_back({e.sequence, e.hash});
    if (recent_.size() > max_recent) recent_.pop_front();
    for (auto [at, end] = expected_.equal_range(e.sequence); at != end; at = expected_.erase(at)) {
        if (at->second.hash != e.hash) {
            add(sum_.faults, line_, "record " + std::to_string(e.sequence) + " is not the one that was anchored at " +
                                        at_time(at->second.time) + ": the chain was written anew");
            continue;
        }
        ++sum_.anchors;
        sum_.anchored = e.sequence;
        if (!what_.key) continue;
        ++sum_.signed_anchors;
        sum_.signed_through = std::max(sum_.signed_through, e.sequence);
    }
}

void audit_chain::check_inner_anchor(const audit_entry& e) {
    const std::string number = "the anchor in record " + std::to_string(e.sequence);
    const auto signature = from_base64(e.touch("signature"));
    const auto time = parse_time(e.touch("time"));
    if (!signature || !time) return add(sum_.faults, line_, number + " cannot be read");
    const audit_anchor anchor{e.ref, std::string(e.touch("head")), *time, *signature};
    const auto found = std::lower_bound(recent_.begin(), recent_.end(), e.ref,
                                        [](const known& one, std::uint64_t sequence) { return one.sequence < sequence; });
    const bool here = found != recent_.end() && found->sequence == e.ref;
    if (here && found->hash != anchor.hash)
        return add(sum_.faults, line_, "record " + std::to_string(e.ref) + " is not the one that " + number + " names: the chain was written anew");
    // Older ones than we remember, and those of files that are not here, say nothing.
    if (!here && e.ref >= sum_.first && !recent_.empty() && e.ref > recent_.front().sequence)
        return add(sum_.faults, line_, number + " names record " + std::to_string(e.ref) + ", which is not here");
    if (!what_.key || signature->empty()) return;
    if (!signed_by(anchor, what_.key)) return add(sum_.faults, line_, number + " is not signed by the key that was given");
    if (!here) return;
    ++sum_.signed_anchors;
    sum_.signed_through = std::max(sum_.signed_through, e.ref);
}

void audit_chain::check_outer_anchors() {
    std::uint64_t before = 0;
    const audit_anchor* furthest = nullptr;
    for (const auto& [sequence, anchor] : expected_) {
        if (sequence < sum_.first) {
            ++before;
        } else if (sequence <= sequence_) {
            add(sum_.faults, 0, "record " + std::to_string(sequence) + " was anchored at " + at_time(anchor.time) + " and is not here");
        } else {
            furthest = &anchor;
        }
    }
    if (furthest)
        add(sum_.faults, line_, "the end was cut off: " + numbers(sequence_ + 1, furthest->sequence) + " existed at " +
                                    at_time(furthest->time) + ", when they were anchored");
    if (before) add(sum_.remarks, 0, std::to_string(before) + " anchors are of records before the first");
}

audit_summary audit_chain::finish() {
    check_outer_anchors();
    if (what_.key && sum_.signed_anchors == 0)
        add(sum_.faults, 0, "no signed head was found: nothing shows that the chain was not written anew as a whole");
    std::vector<audit_fault> faults;
    for (std::size_t i = 0; i < sum_.faults.size(); ++i)
        if (i >= explained_.size() || !explained_[i]) faults.push_back(std::move(sum_.faults[i]));
    sum_.faults = std::move(faults);
    return std::move(sum_);
}

}  // namespace auth
