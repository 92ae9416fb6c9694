#include "gateway/config_audit.h"

#include <charconv>

#include "auth/audit_redact.h"
#include "gateway/config.h"

namespace gateway {
namespace {

using values = std::vector<std::string>;
using form = audit_key::form;

// A plain number; `least` is the smallest that means something.
std::string count(const std::string& text, std::uint64_t least, std::uint64_t& into) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), into);
    if (ec == std::errc() && end == text.data() + text.size() && into >= least) return "";
    return "\"" + text + "\" is not a number" + (least ? " above zero" : ", such as 0 or 30");
}

std::string size(const std::string& text, std::uint64_t least, std::uint64_t& into) {
    const auto parsed = parse_size(text);
    if (!parsed) return parsed.error();
    into = *parsed;
    return into >= least ? "" : "must be at least " + format_size(least);
}

template <class Duration>
std::string time(const std::string& text, Duration least, Duration& into) {
    const auto parsed = parse_duration(text);
    if (!parsed) return parsed.error();
    into = std::chrono::duration_cast<Duration>(*parsed);
    if (into < least) return "must be at least " + format_duration(least);
    return into == *parsed ? "" : "must be whole seconds";
}

}  // namespace

const std::vector<audit_key>& audit_keys() {
    using std::chrono::milliseconds;
    using std::chrono::seconds;
    static const std::vector<audit_key> keys{
        {{"auditFile", "path or off", "",
          "Where the audit is written (docs/audit.md), instead of audit/audit.jsonl in stateDirectory; rotated files, the "
          "lock and the reserve are beside it. off: nothing that anybody does is recorded.",
          "/var/log/delvegate/audit.jsonl"},
         form::path,
         [](audit_config& c, const values& v) { return c.file = v[0], std::string(); }},
        {{"auditRotateSize", "bytes", "64MiB", "A new file begins when this one is as large; at least 64KiB.", ""},
         form::text,
         [](audit_config& c, const values& v) { return size(v[0], 64 * 1024, c.rotate_size); }},
        {{"auditRotateAge", "duration", "1d", "… or as old; 0s: by size only.", ""},
         form::text,
         [](audit_config& c, const values& v) { return time(v[0], seconds(0), c.rotate_age); }},
        {{"auditKeepFiles", "count", "0", "How many rotated files are kept; older ones are removed; 0: all are kept.", ""},
         form::text,
         [](audit_config& c, const values& v) {
             std::uint64_t number = 0;
             auto wrong = count(v[0], 0, number);
             c.keep_files = number;
             return wrong;
         }},
        {{"auditKeepAge", "duration", "0s", "How old a rotated file may become before it is removed; 0s: for ever.", ""},
         form::text,
         [](audit_config& c, const values& v) { return time(v[0], seconds(0), c.keep_age); }},
        {{"auditReserve", "bytes", "1MiB",
          "Disk space taken in advance, so that halting, resuming and leaving are recorded on a full disk too.", ""},
         form::text,
         [](audit_config& c, const values& v) { return size(v[0], 64 * 1024, c.reserve); }},
        {{"auditAnchors", "journal, off or path", "journal",
          "Where the chain's heads go: the journal, or a file where who can change the audit cannot write.", ""},
         form::path,
         [](audit_config& c, const values& v) { return c.anchors = v[0], std::string(); }},
        {{"auditAnchorRecords", "count", "1000", "A head is signed and sent there after so many records,", ""},
         form::text,
         [](audit_config& c, const values& v) { return count(v[0], 1, c.anchor_records); }},
        {{"auditAnchorTime", "duration", "10s", "… or so long after a record that none covers yet; at least 1s.", ""},
         form::text,
         [](audit_config& c, const values& v) { return time(v[0], milliseconds(1000), c.anchor_time); }},
        {{"auditRedact", "list of text", "[]",
          "Regular expressions (RE2); what they match in expressions and results is recorded as [redacted].", ""},
         form::list,
         [](audit_config& c, const values& v) {
             const auto rules = auth::audit_redactor::make(v);
             c.redact = v;
             return rules ? std::string() : rules.error();
         }},
    };
    return keys;
}

const audit_key* find_audit_key(std::string_view name) {
    for (const audit_key& key : audit_keys())
        if (key.row.name == name) return &key;
    return nullptr;
}

std::string audit_file_of(const audit_config& configuration, const std::string& state_directory) {
    return configuration.file.empty() ? state_directory + "/audit/audit.jsonl" : configuration.file;
}

}  // namespace gateway
