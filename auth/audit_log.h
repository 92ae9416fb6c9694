// The audit's files, written by one thread: the chain, its reserve for a full disk, rotation, and what
// a crash leaves behind. Blocks; audit_writer is what a gateway uses.
//
// Sequences are given out before records are written. A record that cannot be written leaves a hole, and
// the next one written is preceded by a `gap` that takes the place of the hole's last record and says how
// many it stands for. So a chain without faults has no unexplained hole.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "auth/audit_disk.h"
#include "auth/audit_record.h"
#include "auth/audit_reserve.h"
#include "auth/audit_text.h"
#include "auth/tls.h"

namespace auth {

struct audit_files {
    std::string file;                           // audit.jsonl; rotated ones are audit-TIME.jsonl beside it
    std::uint64_t rotate_size = 64u << 20;      // bytes
    std::chrono::seconds rotate_age{24 * 3600}; // 0: by size only
    std::size_t keep_files = 0;                 // rotated ones; 0: all
    std::chrono::seconds keep_age{0};           // 0: for ever
    std::size_t reserve = 1u << 20;             // bytes, written in advance to FILE.reserve
    audit_calls* calls = &real_audit_calls();
    std::int64_t (*clock)() = wall_clock;
};

struct audit_item {
    std::uint64_t sequence = 0;
    std::int64_t time = 0;
    std::string_view body;  // of append_audit_body()
    bool before = false;    // is waited for: on disk when write() returns, or not `kept`
    bool releases = false;
    bool lost = false;      // was dropped before it came here
    bool rotate = false;    // a new file begins here; the body is made here
    bool kept = false;      // out
};

struct audit_head {
    std::uint64_t sequence = 0;  // 0: nothing yet
    std::string hash{no_hash};
};

class audit_log {
public:
    // Locks, verifies the end of the file (16 MiB of it), cuts off a line that a crash left incomplete,
    // brings back what is in the reserve. A chain that is broken is set aside as a rotated file and a new
    // one begins. All of this leaves a record. `notes` gets a line for each. Error: one line.
    static outcome<std::unique_ptr<audit_log>> open(const audit_files& files, std::vector<std::string>& notes);

    // In order, with rising sequences. When one of them is waited for, all of it is synced.
    void write(std::span<audit_item> items);
    // What was written and not synced yet; false: it is not known to be on disk.
    bool sync();
    // When full: tries to go on. True: all is well (again).
    bool retry();

    bool full() const { return full_; }
    const std::string& trouble() const { return trouble_; }  // why it is, or was last
    std::uint64_t lost() const;                              // records, since open
    std::uint64_t reserve_used() const { return reserve_.used(); }
    std::uint64_t reserve_size() const { return reserve_.size(); }
    const audit_head& head() const { return head_; }                   // what comes next is chained to it
    const audit_head& synced() const { return synced_.head; }          // surely on disk
    bool unsynced() const { return synced_.size != size_; }
    std::uint64_t through() const { return through_; }  // the last sequence seen, written or not
    bool wants_rotation() const;
    // Looks whether the file still is where it was, and as long as it was left: somebody may have moved,
    // removed or cut it meanwhile. Then a new file begins, and says why. False: it was not.
    bool in_place();
    std::uint64_t rotations() const { return rotations_; }

private:
    struct state {
        audit_head head;
        std::uint64_t size = 0;
        std::uint64_t lost = 0;
    };

    explicit audit_log(const audit_files& files) : files_(files) {}
    void append_line(std::string& out, audit_head& head, std::uint64_t sequence, std::int64_t time,
                     std::string_view body);
    void append_gap(std::string& out, state& next, std::uint64_t through);
    void write_run(std::span<audit_item> items);
    void into_reserve(std::span<audit_item> items);
    void fall_back(int error, const state& to);
    state now() const { return {head_, size_, lost_}; }
    void rotate(audit_item& item);
    int begin_file(const audit_item& item);
    void forget_old_files() const;

    outcome<void> recover(std::vector<std::string>& notes);
    outcome<void> set_aside(std::uint64_t highest, const std::string& why, std::vector<std::string>& notes);
    outcome<void> merge_reserve(const std::string& found, const std::set<std::string>& in_main,
                                std::vector<std::string>& notes);
    bool note(const audit_record& record);

    audit_files files_;
    audit_lock lock_;
    audit_file main_;
    audit_reserve reserve_;
    sha256_hasher hasher_;
    std::string out_;

    audit_head head_;             // of the reserve when it is in use
    std::uint64_t size_ = 0;      // good bytes of the file
    std::uint64_t lost_ = 0;      // in gaps written
    state synced_;
    std::uint64_t through_ = 0;
    bool full_ = false;
    bool dirty_ = false;          // the file may have more than size_ bytes
    std::string trouble_;
    std::int64_t began_ = 0;      // the file, by the wall clock
    std::uint64_t began_size_ = 0;
    std::string disturbed_;       // why in_place() was false
    std::uint64_t rotations_ = 0;
    std::int64_t rotation_failed_ = 0;
};

}  // namespace auth
