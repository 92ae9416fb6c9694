#include "launcher/yaml_field.h"

#include <algorithm>
#include <charconv>

#include "protocol/printable.h"

namespace launcher {
namespace {

using kind = yaml_value::kind;

const char* name_of(kind what) {
    switch (what) {
        case kind::null: return "empty";
        case kind::boolean: return "a boolean";
        case kind::integer:
        case kind::real: return "a number";
        case kind::text: return "text";
        case kind::list: return "a list";
        case kind::map: return "a map";
    }
    return "";
}

bool says_nothing(const yaml_value& value) {
    switch (value.what) {
        case kind::null: return true;
        case kind::boolean: return !value.truth();
        case kind::text: return value.scalar.empty();
        case kind::list: return value.items.empty();
        case kind::map: return value.members.empty();
        default: return false;
    }
}

// Go's decoder of JSON sees the number that YAML's forms mean; in a manifest they are decimal.
std::optional<std::int64_t> decimal(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    std::int64_t out = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return out;
}

}  // namespace

void yaml_field::need_map() const {
    if (value_->what != kind::map && value_->what != kind::null)
        fail(std::string("must be a map of keys, and is ") + name_of(value_->what));
}

std::optional<yaml_field> yaml_field::get(std::string_view key) const {
    need_map();
    const auto* member = value_->find(key);
    if (!member || member->what == kind::null) return std::nullopt;
    return yaml_field(*member, path_.empty() ? std::string(key) : path_ + "." + std::string(key));
}

yaml_field yaml_field::need(std::string_view key) const {
    if (auto member = get(key)) return *member;
    throw field_fault{value_->line, (path_.empty() ? "" : path_ + " ") + "has no " + std::string(key)};
}

std::string yaml_field::text() const {
    if (value_->what == kind::null) return "";
    if (value_->what == kind::text) return value_->scalar;
    std::string what = std::string("must be text, and is ") + name_of(value_->what);
    if (value_->what == kind::boolean || value_->what == kind::integer || value_->what == kind::real)
        what += ": put it in quotes";
    fail(what);
}

std::string yaml_field::quantity() const {
    if (value_->what == kind::integer || value_->what == kind::real) return value_->scalar;
    return text();
}

bool yaml_field::truth() const {
    if (value_->what == kind::null) return false;
    if (value_->what != kind::boolean) fail(std::string("must be true or false, and is ") + name_of(value_->what));
    return value_->truth();
}

std::int64_t yaml_field::integer(std::int64_t least, std::int64_t most) const {
    if (value_->what != kind::integer) fail(std::string("must be a whole number, and is ") + name_of(value_->what));
    const auto number = decimal(value_->scalar);
    if (!number) fail("must be a decimal number");
    if (*number < least || *number > most)
        fail("must be from " + std::to_string(least) + " to " + std::to_string(most));
    return *number;
}

std::vector<yaml_field> yaml_field::list() const {
    if (value_->what == kind::null) return {};
    if (value_->what != kind::list) fail(std::string("must be a list, and is ") + name_of(value_->what));
    std::vector<yaml_field> out;
    for (const auto& item : value_->items) out.emplace_back(item, path_ + "[" + std::to_string(out.size()) + "]");
    return out;
}

std::vector<std::string> yaml_field::texts() const {
    std::vector<std::string> out;
    for (const auto& item : list()) out.push_back(item.text());
    return out;
}

std::map<std::string, std::string, std::less<>> yaml_field::text_map() const {
    need_map();
    std::map<std::string, std::string, std::less<>> out;
    for (const auto& [key, value] : value_->members)
        out[key] = yaml_field(value, path_ + "['" + protocol::printable(key) + "']").text();
    return out;
}

std::string yaml_field::text_of(std::string_view key, std::string fallback) const {
    const auto member = get(key);
    return member ? member->text() : fallback;
}

bool yaml_field::truth_of(std::string_view key) const {
    const auto member = get(key);
    return member && member->truth();
}

std::vector<yaml_field> yaml_field::list_of(std::string_view key) const {
    const auto member = get(key);
    return member ? member->list() : std::vector<yaml_field>();
}

std::vector<std::string> yaml_field::others(std::initializer_list<std::string_view> known) const {
    need_map();
    std::vector<std::string> out;
    for (const auto& [key, value] : value_->members)
        if (!says_nothing(value) && std::find(known.begin(), known.end(), key) == known.end())
            out.push_back(protocol::printable(key));
    return out;
}

}  // namespace launcher
