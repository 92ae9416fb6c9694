#include "launcher/yaml_events.h"

#include <algorithm>
#include <utility>

#include "launcher/yaml_scalar.h"
#include "protocol/printable.h"

namespace launcher {
namespace {

using kind = yaml_value::kind;

// Returns how deep it is: 0 for a scalar.
template <class Weight>
std::size_t weigh(const yaml_value& value, Weight& weight) {
    ++weight.nodes;
    weight.text += value.scalar.size();
    std::size_t depth = 0;
    for (const auto& item : value.items) depth = std::max(depth, weigh(item, weight));
    for (const auto& [key, member] : value.members) {
        weight.text += key.size();
        depth = std::max(depth, weigh(member, weight));
    }
    return depth + (value.what == kind::list || value.what == kind::map);
}

std::string shown(const std::string& text) {
    return "`" + protocol::printable(text.size() > 40 ? text.substr(0, 40) + "…" : text) + "`";
}

// "?" is no tag, "!" a quoted scalar's.
bool is_plain(const std::string& tag) { return tag.empty() || tag == "?"; }

constexpr const char* string_tag = "tag:yaml.org,2002:str";

}  // namespace

void yaml_events::fail(const YAML::Mark& mark, std::string what) {
    throw yaml_fault{static_cast<std::size_t>(mark.line + 1), static_cast<std::size_t>(mark.column + 1), std::move(what)};
}

bool yaml_events::wants_key() const {
    return !open_.empty() && open_.back().value.what == kind::map && !open_.back().has_key;
}

void yaml_events::charge(const YAML::Mark& mark, weight more) {
    total_.nodes += more.nodes;
    total_.text += more.text;
    if (total_.nodes > limits_.max_nodes) fail(mark, "too many values, with every alias written out");
    if (total_.text > limits_.max_text) fail(mark, "too much text, with every alias written out");
}

void yaml_events::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (wants_key()) fail(mark, "a key must be text");
    charge(mark, {1, 0});
    yaml_value value;
    value.line = mark.line + 1;
    complete(mark, std::move(value), anchor);
}

void yaml_events::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (wants_key()) fail(mark, "a key must be text, not an alias");
    const auto at = anchors_.find(anchor);
    if (at == anchors_.end()) fail(mark, "an alias inside of what it means");
    weight more;
    const auto depth = weigh(at->second, more);
    if (open_.size() + depth > limits_.max_depth) fail(mark, "nested too deeply");
    charge(mark, more);
    complete(mark, at->second, YAML::NullAnchor);
}

void yaml_events::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
    if (!is_plain(tag) && tag != "!" && tag != string_tag) fail(mark, "tags are not taken");
    if (value.find('\0') != std::string::npos) fail(mark, "a text with a NUL in it");
    charge(mark, {1, value.size()});
    if (wants_key()) {
        if (anchor != YAML::NullAnchor) fail(mark, "a key with an anchor is not taken");
        return key(mark, value, is_plain(tag));
    }
    yaml_value out;
    out.what = is_plain(tag) ? classify_plain_scalar(value) : kind::text;
    out.scalar = value;
    out.line = mark.line + 1;
    complete(mark, std::move(out), anchor);
}

void yaml_events::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value) {
    if (!is_plain(tag) && tag != "tag:yaml.org,2002:seq") fail(mark, "tags are not taken");
    open(mark, kind::list, anchor);
}

void yaml_events::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value) {
    if (!is_plain(tag) && tag != "tag:yaml.org,2002:map") fail(mark, "tags are not taken");
    open(mark, kind::map, anchor);
}

void yaml_events::OnSequenceEnd() { close(); }
void yaml_events::OnMapEnd() { close(); }

void yaml_events::open(const YAML::Mark& mark, kind what, YAML::anchor_t anchor) {
    if (wants_key()) fail(mark, "a key must be text");
    if (open_.size() >= limits_.max_depth) fail(mark, "nested too deeply");
    charge(mark, {1, 0});
    frame next;
    next.value.what = what;
    next.value.line = mark.line + 1;
    next.anchor = anchor;
    next.mark = mark;
    open_.push_back(std::move(next));
}

void yaml_events::close() {
    frame done = std::move(open_.back());
    open_.pop_back();
    complete(done.mark, std::move(done.value), done.anchor);
}

void yaml_events::key(const YAML::Mark& mark, const std::string& text, bool plain) {
    frame& map = open_.back();
    map.has_key = true;
    map.merges = plain && text == "<<";
    map.key = text;
    if (map.merges) {
        if (std::exchange(map.has_merged, true)) fail(mark, "two `<<` in one map");
        return;
    }
    if (plain && classify_plain_scalar(text) != kind::text)
        fail(mark, "the key " + shown(text) + " is no text; put it in quotes");
    const auto at = map.index.find(text);
    if (at != map.index.end() && !at->second.merged) fail(mark, "the key " + shown(text) + " is given twice");
}

void yaml_events::complete(const YAML::Mark& mark, yaml_value value, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
        weight more;
        weigh(value, more);
        charge(mark, more);  // the copy that is kept
        anchors_[anchor] = value;
    }
    if (open_.empty()) {
        root_ = std::move(value);
        return;
    }
    frame& parent = open_.back();
    if (parent.value.what == kind::list) {
        parent.value.items.push_back(std::move(value));
        return;
    }
    parent.has_key = false;
    if (parent.merges) return merge(mark, parent, value);
    auto& members = parent.value.members;
    const auto [at, fresh] = parent.index.try_emplace(parent.key, frame::slot{members.size(), false});
    if (fresh)
        members.emplace_back(std::move(parent.key), std::move(value));
    else  // it was only merged
        members[at->second.index].second = std::move(value);
    at->second.merged = false;
}

void yaml_events::merge(const YAML::Mark& mark, frame& into, const yaml_value& from) {
    if (from.what == kind::map) return merge_one(mark, into, from);
    if (from.what != kind::list) fail(mark, "`<<` takes a map, or a list of maps");
    for (const auto& item : from.items) {  // the first one wins
        if (item.what != kind::map) fail(mark, "`<<` takes a map, or a list of maps");
        merge_one(mark, into, item);
    }
}

void yaml_events::merge_one(const YAML::Mark& mark, frame& into, const yaml_value& from) {
    for (const auto& [key, value] : from.members) {
        const auto [at, fresh] = into.index.try_emplace(key, frame::slot{into.value.members.size(), true});
        if (fresh)
            into.value.members.emplace_back(key, value);
        else if (!at->second.merged)
            // Parsers differ in which of the two they take.
            fail(mark, "`<<` brings the key " + shown(key) + " after it was given; put `<<` first");
    }
}

}  // namespace launcher
