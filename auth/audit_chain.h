// Whether lines are an unbroken chain, and the one that was anchored: pure, line by line, any size.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "auth/audit_anchor.h"
#include "auth/audit_record.h"

namespace auth {

struct audit_fault {
    std::string file;
    std::uint64_t line = 0;  // 0: the file as a whole
    std::string what;        // one line for a person; names may come from the file: print with care
};
std::string to_string(const audit_fault& fault);  // "audit.jsonl:12: …"

struct audit_summary {
    std::vector<audit_fault> faults;   // the first hundred
    std::uint64_t more_faults = 0;     // beyond them
    std::vector<audit_fault> remarks;  // no faults, but to be known: records that were lost and counted
    std::uint64_t records = 0;
    std::uint64_t first = 0, last = 0;  // sequences
    std::int64_t first_time = 0, last_time = 0;
    std::uint64_t anchors = 0;          // from outside, that match
    std::uint64_t anchored = 0;         // the last sequence that one of them covers
    std::uint64_t signed_anchors = 0;   // inside or outside, signed by the key that was given
    std::uint64_t signed_through = 0;
};

class audit_chain {
public:
    struct expectations {
        std::vector<audit_anchor> anchors{};  // from outside
        EVP_PKEY* key = nullptr;            // whose signatures count; null: none is looked at
        bool retained = false;              // earlier files may be missing
    };

    explicit audit_chain(expectations what);

    void begin_file(std::string name);
    void line(std::string_view text);  // without its line feed
    void bad_line(std::string what);   // one that was not even read
    void fault(std::string what);      // of the file as a whole
    audit_summary finish();

private:
    struct hole {
        std::uint64_t first, last, found = 0;
        std::size_t fault;  // its place in the list
    };

    void add(std::vector<audit_fault>& list, std::uint64_t line, std::string what);
    void begin_chain(const audit_entry& e);
    bool follow(const audit_entry& e);
    void out_of_order(const audit_entry& e);
    void remember(const audit_entry& e);
    void check_inner_anchor(const audit_entry& e);
    void check_outer_anchors();
    void take_anchors(std::vector<audit_anchor> anchors);

    expectations what_;
    audit_summary sum_;
    std::string file_;
    std::uint64_t line_ = 0;
    std::uint64_t sequence_ = 0;  // of the last record in its place
    std::string hash_;
    std::uint64_t unread_ = 0;    // lines since then that were no records
    std::vector<hole> holes_;
    std::vector<bool> explained_;  // by place in the list of faults: a hole whose records are elsewhere
    std::multimap<std::uint64_t, audit_anchor> expected_;
    // The last records, for the anchors among them.
    struct known {
        std::uint64_t sequence;
        std::string hash;
    };
    std::deque<known> recent_;
};

}  // namespace auth
