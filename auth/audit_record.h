// One record of the audit: one line of JSON in one form only, of bounded length.
//
//   {"sequence":N,"time":"…","kind":"…",…,"previous":"HEX","hash":"HEX"}
//
// `hash` is SHA-256 over the line's bytes up to, and without, `,"hash"`; `previous` is the hash of the
// record before. Members always stand in the order of `audit_record`; those that are empty are left out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/tls.h"
#include "protocol/operations.h"

namespace auth {

class audit_redactor;

enum class audit_kind : std::uint8_t {
    connect,             // a verified connection, or a session that began
    disconnect,          // … that ended
    refused_connection,  // no certificate, a bad one, nobody whom a component lists
    intent,              // an operation, before it is forwarded
    outcome,             // the same one after; `ref` is the intent's sequence
    refusal,             // an operation that is not forwarded
    reload,              // configuration, policy or certificates were read (start included)
    revoked,             // an identity lost its access
    rotate,              // first of a file: `file` is the one before, `ref` its last sequence
    anchor,              // a head (`ref`, `head`) that was signed and published
    gap,                 // stands for `lost` records, the last of which would have had this sequence
    recovered,           // what a crash left over was put in order
    broken,              // the file before (`file`) was not what was written: a new chain begins
    administration,      // certificates given out or refused, sessions ended by the administrator
};
std::string_view to_string(audit_kind kind);
std::optional<audit_kind> audit_kind_of(std::string_view name);

// One thing that was touched: what it is ("file", "line", "expression", "goroutine"), and its text.
struct audit_touch {
    std::string_view what;
    std::string_view text;
};

// What the caller knows. Nothing is kept: the views need to live for the call only. Never put a value of
// the debuggee's here, read or to be written.
struct audit_record {
    audit_kind kind = audit_kind::connect;
    std::uint64_t ref = 0;   // 0: none
    std::uint64_t lost = 0;  // of a gap
    std::string_view who{};  // of audit_who(): stands for all from `session` to `speaks`
    std::string_view session{};
    std::string_view user{};
    std::span<const std::string> groups{};
    std::string_view issuer{};
    std::string_view serial{};
    std::string_view fingerprint{};
    std::string_view address{};
    std::string_view component{};
    std::string_view speaks{};  // "protocol": json-rpc, dap, …
    std::string_view operation{};
    ::protocol::class_set classes{};
    std::string_view decision{};  // allow, deny
    std::string_view rule{};      // the policy's rule that decided
    std::span<const audit_touch> touched{};
    std::string_view result{};
    std::optional<std::uint64_t> duration{};  // nanoseconds
    // Not written: an operation that only releases (resume, halt, clear, disconnect, restore). It may go
    // on from the reserve when the disk is full.
    bool releases = false;
};

// No line is longer, whatever a record holds; the reader refuses one that is.
inline constexpr std::size_t max_audit_line = 32 * 1024;

// The members between `time` and `previous`, each text clamped and `touched` and `result` redacted.
void append_audit_body(std::string& out, const audit_record& record, const audit_redactor* redactor = nullptr);

// The members from `session` to `speaks` as they will be written: a session's are the same in each of its records.
std::string audit_who(const audit_record& record);

// A record as it was read: texts as they stand in the file (already clamped).
struct audit_entry {
    std::uint64_t sequence = 0;
    std::int64_t time = 0;  // nanoseconds since the epoch
    audit_kind kind = audit_kind::connect;
    std::uint64_t ref = 0;
    std::uint64_t lost = 0;
    std::string session, user;
    std::vector<std::string> groups;
    std::string issuer, serial, fingerprint, address, component, speaks, operation;
    ::protocol::class_set classes;
    std::string decision, rule;
    std::vector<std::pair<std::string, std::string>> touched;
    std::string result;
    std::optional<std::uint64_t> duration;
    std::string previous, hash;
    bool hash_fits = false;  // `hash` is that of the line

    std::string_view touch(std::string_view what) const;  // empty: no such
};

// Strict: exactly one record in its one form, without the line feed. The error says what is wrong.
outcome<audit_entry> parse_audit_line(std::string_view line);
// The same line again; `hash` as it stands in the entry.
std::string to_audit_line(const audit_entry& entry);

}  // namespace auth
