#include "launcher/reply_values.h"

#include "protocol/locations.h"
#include "protocol/operations.h"

namespace launcher {

namespace {

using protocol::json;

constexpr std::size_t most_open = 1'000;

}  // namespace

bool reply_values::asked(const std::string& id, const std::string& location) {
    return locations_.size() < most_open && locations_.emplace(id, location).second;
}

std::string reply_values::without(std::string_view reply) {
    auto value = protocol::parse_json(reply, {.max_depth = 512, .fold_keys = false});
    if (!value || !value->if_object()) return {};
    protocol::strip_values(*value);
    const json* id = value->find("id");
    const auto found = locations_.find(id ? to_text(*id) : std::string());
    if (found != locations_.end()) {
        protocol::strip_foreign_locations(*value, found->second);
        locations_.erase(found);
    }
    return to_text(*value) + "\n";
}

bool reply_values::pass(std::string_view bytes, std::string& out) {
    replies_.feed(bytes);
    for (;;) {
        protocol::error_code ec;
        const auto text = replies_.next(ec);
        if (ec) return false;
        if (!text) return true;
        const auto line = without(*text);
        if (line.empty()) return false;
        out += line;
    }
}

}  // namespace launcher
