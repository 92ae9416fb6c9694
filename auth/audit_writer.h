// The audit as a gateway writes it: records are handed over by any thread and written, chained and synced
// by one thread of its own ("audit"). Order is that of submit(), over all callers.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "auth/audit_anchor.h"
#include "auth/audit_log.h"
#include "auth/audit_record.h"
#include "auth/audit_redact.h"

namespace auth {

enum class durability : std::uint8_t {
    lazy,    // written in order and synced soon (lazy_sync); nobody waits
    before,  // the callback runs when it is on disk, or cannot be
};

struct audit_options {
    audit_files files;
    std::vector<std::string> redact;               // rules, see audit_redactor
    std::size_t queue = 8u << 20;                  // bytes waiting to be written; what is more is dropped
    // Lazy records are gathered this long, or until there are 64 KiB of them, before they are written together:
    // a wake-up of the thread for each would cost the gateway more than the record.
    std::chrono::milliseconds gather{50};
    std::chrono::milliseconds lazy_sync{200};      // the longest that lazy records stay unsynced
    std::chrono::milliseconds retry{250};          // how often a full disk is tried again
    std::uint64_t anchor_records = 1000;           // an anchor after so many records,
    std::chrono::milliseconds anchor_time{10'000}; // and this long after a record that has none

    // Takes functions to another thread: asio::post onto the gateway's io_context. Without it callbacks
    // run on the audit's thread.
    std::function<void(std::function<void()>)> post;
    // What happened that a person should know, one line each: disk full, written again, found broken.
    // Called through `post`.
    std::function<void(std::string line)> report;
    // Both on a thread of their own; see audit_anchorer. Neither: no anchors.
    std::function<outcome<std::string>(std::string_view bytes)> sign;
    std::function<outcome<void>(const audit_anchor& anchor)> publish;
};

struct audit_health {
    bool ok = true;
    std::string trouble;             // why not
    std::int64_t full_since = 0;     // wall clock, ns; 0: not full
    std::uint64_t sequence = 0;      // the last given out
    std::uint64_t synced = 0;        // the last that is surely on disk
    std::uint64_t lost = 0;          // records, since the start
    std::uint64_t refused = 0;       // waited-for records that could not be kept
    std::uint64_t queued_bytes = 0;
    std::chrono::nanoseconds lag{0}; // how long the oldest record that waits has waited
    std::uint64_t reserve_used = 0, reserve_size = 0;
    std::uint64_t rotations = 0;
    std::uint64_t anchored = 0;      // sequence of the last head that was signed and published
    std::int64_t anchored_at = 0;    // wall clock, ns
    std::string anchor_trouble;      // why the last try failed; empty: it did not
};

class audit_writer {
public:
    using callback = std::function<void(std::string error)>;  // empty: it is on disk

    // Errors: another gateway writes it (with its process number), a file that others can write, a rule
    // that is none, no space for the reserve.
    static outcome<std::unique_ptr<audit_writer>> open(audit_options options);
    ~audit_writer() { close(); }

    // Gives the record its sequence and time, and takes it into the queue. Never blocks on the disk.
    //
    // When it cannot be kept: a `before` record's callback gets an error, and its operation is not to be
    // done, unless it `releases`; those always go on, from the reserve while there is any. Others are
    // counted in a `gap`. Callbacks run in order. The sequence is what an outcome's `ref` names; 0 when closed.
    std::uint64_t submit(const audit_record& record, durability how, callback done = {});

    // What of a record's private text is shown elsewhere: as the rules leave it in the file.
    std::string redacted(std::string_view text) const { return redactor_.empty() ? std::string(text) : redactor_.redact(text); }

    audit_health health() const;

    // Writes what is queued, makes the last anchor, and closes. Later submits get an error.
    void close();

private:
    struct entry {
        std::uint64_t sequence;
        std::int64_t time;
        std::chrono::steady_clock::time_point taken;
        std::size_t offset, length;
        bool before, releases, lost, rotate;
        callback done;
    };
    struct queue {
        std::string bytes;
        std::vector<entry> entries;
    };

    explicit audit_writer(audit_options options) : options_(std::move(options)) {}
    std::uint64_t take(std::string_view body, durability how, bool releases, bool rotate, callback done);
    void run();
    void await_work(std::unique_lock<std::mutex>& lock);
    void tend(std::chrono::steady_clock::time_point now);
    void write_batch();
    void begin_anchor();
    void anchored(const audit_anchor& anchor, const std::string& error);
    void last_anchor();
    void publish_health();
    void post(std::function<void()> work) const;
    void report(std::string line) const;

    audit_options options_;
    audit_redactor redactor_;
    std::unique_ptr<audit_log> log_;
    std::unique_ptr<audit_anchorer> anchorer_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    queue incoming_;
    std::uint64_t sequence_ = 0;
    bool urgent_ = false;    // what is incoming must not be gathered any longer
    bool closing_ = false;
    bool closed_ = false;
    audit_health health_;
    std::chrono::steady_clock::time_point oldest_;  // record of the batch being written; else zero

    // The thread's own.
    queue batch_;
    std::vector<audit_item> items_;
    std::chrono::steady_clock::time_point last_sync_, last_retry_, last_anchor_, last_look_;
    std::uint64_t since_anchor_ = 0;  // records that are not anchors
    bool rotation_asked_ = false;
    bool was_full_ = false;
    std::string told_;  // trouble that is no full disk
    std::atomic<bool> anchoring_ = false;
    std::thread thread_;
};

}  // namespace auth
