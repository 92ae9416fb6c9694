// Reading a record back. A line is accepted only when writing what was understood gives the same bytes,
// so that there is one reading of every line: order, escapes, numbers and unknown members need no check
// of their own.
#include <algorithm>

#include "auth/audit_record.h"
#include "auth/audit_text.h"
#include "protocol/json.h"

namespace auth {
namespace {

using protocol::json;

bool is_hash(std::string_view text) {
    return text.size() == hash_length && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void take(const json& object, std::string_view name, std::string& into) { into = object.get_string(name); }

void take(const json& object, std::string_view name, std::uint64_t& into) {
    if (const json* value = object.find(name)) into = value->as_uint().value_or(0);
}

void take_classes(const json& object, ::protocol::class_set& into) {
    const json* list = object.find("classes");
    if (!list || !list->if_array()) return;
    for (const json& item : *list->if_array())
        for (unsigned i = 0; i <= static_cast<unsigned>(::protocol::op_class::lifecycle); ++i) {
            const auto one = static_cast<::protocol::op_class>(i);
            if (item.if_string() && *item.if_string() == to_string(one)) into.add(one);
        }
}

outcome<audit_entry> failed(std::string what) { return {boost::system::in_place_error, std::move(what)}; }

}  // namespace

std::string_view audit_entry::touch(std::string_view what) const {
    for (const auto& [name, text] : touched)
        if (name == what) return text;
    return {};
}

outcome<audit_entry> parse_audit_line(std::string_view line) {
    if (line.size() > max_audit_line) return failed("longer than any record");
    const auto parsed = protocol::parse_json(line, {.max_depth = 3, .fold_keys = false});
    if (!parsed) return failed("not JSON: " + parsed.error().message());
    const json& object = *parsed;
    if (!object.is_object()) return failed("not a JSON object");

    audit_entry e;
    take(object, "sequence", e.sequence);
    const auto time = parse_time(object.get_string("time"));
    const auto kind = audit_kind_of(object.get_string("kind"));
    if (e.sequence == 0) return failed("no sequence");
    if (!time) return failed("no time");
    if (!kind) return failed("no kind, or one that this version does not know");
    e.time = *time;
    e.kind = *kind;
    take(object, "ref", e.ref);
    take(object, "lost", e.lost);
    take(object, "session", e.session);
    take(object, "user", e.user);
    if (const json* groups = object.find("groups"); groups && groups->if_array())
        for (const json& group : *groups->if_array())
            if (group.if_string()) e.groups.push_back(*group.if_string());
    take(object, "issuer", e.issuer);
    take(object, "serial", e.serial);
    take(object, "fingerprint", e.fingerprint);
    take(object, "address", e.address);
    take(object, "component", e.component);
    take(object, "protocol", e.speaks);
    take(object, "operation", e.operation);
    take_classes(object, e.classes);
    take(object, "decision", e.decision);
    take(object, "rule", e.rule);
    if (const json* touched = object.find("touched"); touched && touched->if_object())
        for (const auto& [what, text] : *touched->if_object())
            if (text.if_string()) e.touched.emplace_back(what, *text.if_string());
    take(object, "result", e.result);
    if (const json* duration = object.find("duration")) e.duration = duration->as_uint();
    take(object, "previous", e.previous);
    take(object, "hash", e.hash);
    if (!is_hash(e.previous) || !is_hash(e.hash)) return failed("no hashes");
    if ((e.kind == audit_kind::gap) != (e.lost != 0) || e.lost > e.sequence)
        return failed("a number of lost records that cannot be");
    if (to_audit_line(e) != line) return failed("not in the form that records are written in");

    thread_local sha256_hasher hash;
    constexpr std::size_t tail = hash_length + std::string_view(",\"hash\":\"\"}").size();
    e.hash_fits = hash.hex(line.substr(0, line.size() - tail)) == e.hash;
    return e;
}

}  // namespace auth
