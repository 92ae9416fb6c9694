// The keys of gateway.yaml that begin with `audit`: one place for reading and documentation.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config_table.h"

namespace gateway {

struct audit_config {
    std::string file;  // empty: audit/audit.jsonl in the state directory; "off": there is no audit
    bool off() const { return file == "off"; }
    std::uint64_t rotate_size = 64u << 20;
    std::chrono::seconds rotate_age{24 * 3600};
    std::size_t keep_files = 0;
    std::chrono::seconds keep_age{0};
    std::uint64_t reserve = 1u << 20;
    std::string anchors = "journal";  // "journal", "off", or the path of a file
    std::uint64_t anchor_records = 1000;
    std::chrono::milliseconds anchor_time{10'000};
    std::vector<std::string> redact;
};

struct audit_key {
    enum class form { text, path, list };

    plain_key row;
    form how = form::text;
    // Takes the value (a list's items; else one) over; what is wrong with it, or "".
    std::function<std::string(audit_config&, const std::vector<std::string>&)> set;
};
const std::vector<audit_key>& audit_keys();
const audit_key* find_audit_key(std::string_view name);  // null: no such

// Where the audit is written.
std::string audit_file_of(const audit_config& configuration, const std::string& state_directory);

}  // namespace gateway
