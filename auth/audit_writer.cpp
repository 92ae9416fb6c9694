#include "auth/audit_writer.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace auth {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t max_batch = 1u << 20;  // bytes of buffers that are kept from batch to batch
constexpr int niceness = 5;
constexpr std::size_t gathered = 64u << 10;  // bytes of lazy records that are written without further waiting

}  // namespace

outcome<std::unique_ptr<audit_writer>> audit_writer::open(audit_options options) {
    using result = outcome<std::unique_ptr<audit_writer>>;
    auto redactor = audit_redactor::make(options.redact);
    if (!redactor) return result(boost::system::in_place_error, redactor.error());
    std::vector<std::string> notes;
    auto log = audit_log::open(options.files, notes);
    if (!log) return result(boost::system::in_place_error, log.error());

    std::unique_ptr<audit_writer> out(new audit_writer(std::move(options)));
    out->redactor_ = std::move(*redactor);
    out->log_ = std::move(*log);
    out->sequence_ = out->log_->through();
    out->last_sync_ = out->last_retry_ = out->last_anchor_ = out->last_look_ = steady_clock::now();
    if (out->options_.sign || out->options_.publish)
        out->anchorer_ = std::make_unique<audit_anchorer>(audit_anchorer::work{
            out->options_.sign, out->options_.publish,
            [self = out.get()](const audit_anchor& anchor, const std::string& error) { self->anchored(anchor, error); }});
    for (auto& note : notes) out->report(std::move(note));
    out->publish_health();
    out->thread_ = std::thread([self = out.get()] { self->run(); });
    ::pthread_setname_np(out->thread_.native_handle(), "audit");
    return result(std::move(out));
}

std::uint64_t audit_writer::submit(const audit_record& record, durability how, callback done) {
    thread_local std::string body;
    body.clear();
    append_audit_body(body, record, &redactor_);
    return take(body, how, record.releases, false, std::move(done));
}

std::uint64_t audit_writer::take(std::string_view body, durability how, bool releases, bool rotate, callback done) {
    std::unique_lock lock(mutex_);
    if (closed_) {
        lock.unlock();
        if (done) post([done = std::move(done), releases] { done(releases ? "" : "the audit is closed"); });
        return 0;
    }
    const std::uint64_t sequence = ++sequence_;
    const bool lost = incoming_.bytes.size() + body.size() > options_.queue && !releases;
    auto& entries = incoming_.entries;
    // Nobody is told of these: a row of them is one entry.
    if (lost && !done && !entries.empty() && entries.back().lost && !entries.back().done) {
        entries.back().sequence = sequence;
        return sequence;
    }
    const bool urgent = how == durability::before || rotate || done;
    entries.push_back({sequence, options_.files.clock(), steady_clock::now(), incoming_.bytes.size(), lost ? 0 : body.size(),
                       how == durability::before, releases, lost, rotate, std::move(done)});
    if (!lost) incoming_.bytes += body;
    const bool first = entries.size() == 1;
    const bool now = (urgent || lost || incoming_.bytes.size() >= gathered) && !urgent_;
    urgent_ = urgent_ || now;
    if (first || now) wake_.notify_one();
    return sequence;
}

audit_health audit_writer::health() const {
    const std::lock_guard lock(mutex_);
    audit_health out = health_;
    out.sequence = sequence_;
    out.queued_bytes += incoming_.bytes.size();
    if (oldest_ == steady_clock::time_point() && !incoming_.entries.empty())
        out.lag = steady_clock::now() - incoming_.entries.front().taken;
    else if (oldest_ != steady_clock::time_point())
        out.lag = steady_clock::now() - oldest_;
    return out;
}

void audit_writer::close() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void audit_writer::run() {
    // Beside the loop, which has somebody waiting at both its ends: of this thread's work little is waited for.
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            await_work(lock);
            if (closing_ && incoming_.entries.empty()) break;
            std::swap(batch_, incoming_);
            urgent_ = false;
            if (!batch_.entries.empty()) {
                health_.queued_bytes = batch_.bytes.size();
                oldest_ = batch_.entries.front().taken;
            }
        }
        if (!batch_.entries.empty()) write_batch();
        tend(steady_clock::now());
        publish_health();
    }
    last_anchor();
    log_->retry();
    log_->sync();
    publish_health();
}

// Returns with records to write, or when something else is due: a lazy sync, a retry, an anchor.
void audit_writer::await_work(std::unique_lock<std::mutex>& lock) {
    const bool due = log_->unsynced() || log_->full() || since_anchor_ > 0 || log_->wants_rotation();
    const auto tick = std::min({options_.lazy_sync, options_.retry, options_.anchor_time, std::chrono::milliseconds(1000)});
    const auto until = due ? std::max(tick, std::chrono::milliseconds(1)) : std::chrono::milliseconds(60'000);
    if (!wake_.wait_for(lock, until, [this] { return closing_ || !incoming_.entries.empty(); })) return;
    if (!closing_) wake_.wait_until(lock, incoming_.entries.front().taken + options_.gather, [this] { return closing_ || urgent_; });
}

void audit_writer::write_batch() {
    const auto now = steady_clock::now();
    if (log_->full() && now - last_retry_ >= options_.retry) {
        last_retry_ = now;
        log_->retry();
    }
    items_.clear();
    for (const entry& e : batch_.entries)
        items_.push_back({.sequence = e.sequence, .time = e.time, .body = std::string_view(batch_.bytes).substr(e.offset, e.length),
                          .before = e.before, .releases = e.releases, .lost = e.lost, .rotate = e.rotate});
    log_->write(items_);
    if (!log_->unsynced()) last_sync_ = steady_clock::now();

    struct answer {
        callback done;
        std::string error;
    };
    const std::string why =
        "the audit cannot be written (" + log_->trouble() + "), so nothing may be done that it would not show";
    std::vector<answer> answers;
    std::uint64_t refused = 0;
    for (std::size_t i = 0; i < items_.size(); ++i) {
        entry& e = batch_.entries[i];
        if (e.rotate) rotation_asked_ = false;
        // Anchors of our own come with `lazy` and no session; they do not ask for a further anchor.
        else if (!items_[i].body.starts_with(",\"kind\":\"anchor\"")) ++since_anchor_;
        const bool ok = items_[i].kept || e.releases;
        if (e.before && !ok) ++refused;
        if (e.done) answers.push_back({std::move(e.done), ok ? "" : e.lost ? "the audit is too far behind; try again" : why});
    }
    if (!answers.empty())
        post([answers = std::move(answers)] {
            for (const answer& one : answers) one.done(one.error);
        });
    batch_.entries.clear();
    batch_.bytes.clear();
    if (batch_.bytes.capacity() > max_batch) batch_.bytes = {};
    const std::lock_guard lock(mutex_);
    health_.refused += refused;
    health_.queued_bytes = 0;
    oldest_ = {};
}

void audit_writer::tend(steady_clock::time_point now) {
    if (log_->full()) {
        if (now - last_retry_ >= options_.retry) {
            last_retry_ = now;
            log_->retry();
        }
    } else if (!log_->unsynced()) {
        last_sync_ = now;
    } else if (now - last_sync_ >= options_.lazy_sync) {
        last_sync_ = now;
        log_->sync();
    }
    if (log_->full() != was_full_) {
        was_full_ = log_->full();
        report(was_full_ ? "the audit " + options_.files.file + " cannot be written: " + log_->trouble() +
                               "; operations above read are refused until it can"
                         : "the audit is written again; " + std::to_string(log_->lost()) + " records were lost");
    }
    if (!rotation_asked_ && now - last_look_ >= std::chrono::seconds(1)) {
        last_look_ = now;
        if (!log_->in_place())
            report("the audit " + options_.files.file + " was moved, removed or changed by somebody else; it goes on in a new file");
    }
    if (!log_->full() && log_->trouble() != told_) {
        told_ = log_->trouble();
        if (!told_.empty()) report("the audit " + options_.files.file + ": " + told_);
    }
    const bool rotate = log_->wants_rotation() && !rotation_asked_;
    if (anchorer_ && !anchoring_ && since_anchor_ > 0 && !log_->full() &&
        (rotate || since_anchor_ >= options_.anchor_records || now - last_anchor_ >= options_.anchor_time))
        begin_anchor();
    if (rotate) {
        rotation_asked_ = true;
        take("", durability::lazy, false, true, {});
    }
    if (since_anchor_ == 0) last_anchor_ = now;
}

void audit_writer::begin_anchor() {
    if (!log_->sync()) return;
    anchoring_ = true;
    since_anchor_ = 0;
    last_anchor_ = steady_clock::now();
    anchorer_->request({log_->synced().sequence, log_->synced().hash, options_.files.clock(), {}});
}

// On the anchorer's thread; after it has stopped, on ours.
void audit_writer::anchored(const audit_anchor& anchor, const std::string& error) {
    std::string changed;
    {
        const std::lock_guard lock(mutex_);
        if (error.empty()) {
            health_.anchored = anchor.sequence;
            health_.anchored_at = anchor.time;
        }
        if (error != health_.anchor_trouble) changed = error.empty() ? "the audit is anchored again" : "the audit could not be anchored: " + error;
        health_.anchor_trouble = error;
    }
    if (!changed.empty()) report(std::move(changed));
    std::string time;
    append_time(time, anchor.time);
    const std::string signature = to_base64(anchor.signature);
    const audit_touch touched[] = {{"head", anchor.hash}, {"time", time}, {"signature", signature}};
    std::string body;
    append_audit_body(body, {.kind = audit_kind::anchor, .ref = anchor.sequence, .touched = touched, .result = error});
    take(body, durability::lazy, false, false, {});
    anchoring_ = false;
}

void audit_writer::last_anchor() {
    if (anchorer_) {
        anchorer_->stop();
        log_->retry();
        if (since_anchor_ > 0 && log_->sync()) {
            anchorer_->make({log_->synced().sequence, log_->synced().hash, options_.files.clock(), {}});
            since_anchor_ = 0;
        }
    }
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        std::swap(batch_, incoming_);
    }
    if (!batch_.entries.empty()) write_batch();
}

void audit_writer::publish_health() {
    const std::lock_guard lock(mutex_);
    health_.ok = !log_->full();
    health_.trouble = log_->trouble();
    if (!log_->full()) health_.full_since = 0;
    else if (!health_.full_since) health_.full_since = options_.files.clock();
    health_.synced = log_->synced().sequence;
    health_.lost = log_->lost();
    health_.reserve_used = log_->reserve_used();
    health_.reserve_size = log_->reserve_size();
    health_.rotations = log_->rotations();
}

void audit_writer::post(std::function<void()> work) const {
    if (options_.post) return options_.post(std::move(work));
    work();
}

void audit_writer::report(std::string line) const {
    if (!options_.report) return;
    post([report = options_.report, line = std::move(line)] { report(line); });
}

}  // namespace auth
