// The strict reader: RapidJSON's iterative SAX parser, plus what it lets pass.
#include <algorithm>
#include <cstring>

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "protocol/json.h"

namespace protocol {
namespace {

// Members that Go reads into a map, whose keys it takes as they are: http_proxy and HTTP_PROXY are
// two variables. No Go type that dlv decodes has a struct under these names (the last one is vscode-go's
// own, which dlv skips).
bool is_free_map(std::string_view key) {
    for (const std::string_view name :
         {"env", "clientmoduledirectories", "packagepathtogomodpathmap"})
        if (key.size() == name.size() && fold_key(key) == name) return true;
    return false;
}

// The next character of a key as fold_key() writes it; moves `at` past it.
char next_folded(std::string_view key, std::size_t& at) {
    const char c = key[at++];
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    if (c == '\xC5' && key.substr(at).starts_with('\xBF')) return ++at, 's';
    if (c == '\xE2' && key.substr(at).starts_with("\x84\xAA")) return at += 2, 'k';
    return c;
}

bool fold_equal(std::string_view a, std::string_view b) {
    std::size_t i = 0;
    std::size_t k = 0;
    while (i < a.size() && k < b.size())
        if (next_folded(a, i) != next_folded(b, k)) return false;
    return i == a.size() && k == b.size();
}

bool ambiguous(const json::object& members, bool fold) {
    // Requests have few members; only a large object pays for sorting.
    if (members.size() <= 16) {
        for (auto a = members.begin(); a != members.end(); ++a)
            for (auto b = members.begin(); b != a; ++b)
                if (fold ? fold_equal(a->first, b->first) : a->first == b->first) return true;
        return false;
    }
    std::vector<std::string> keys;
    keys.reserve(members.size());
    for (const auto& [name, value] : members) keys.push_back(fold ? fold_key(name) : name);
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

class builder {
public:
    explicit builder(const json_limits& limits) : limits_(limits) {}

    json take() { return std::move(root_); }
    error_code failure() const { return failure_; }

    // The interface that RapidJSON calls; false ends the parse.
    bool Null() { return put(json()); }
    bool Bool(bool b) { return put(json(b)); }
    bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
        return put(json(json::number{std::string(text, size)}));
    }
    bool String(const char* text, rapidjson::SizeType size, bool) {
        return sound({text, size}) && put(json(std::string_view(text, size)));
    }
    bool StartObject() { return open(json(json::object())); }
    bool Key(const char* text, rapidjson::SizeType size, bool) {
        if (!sound({text, size})) return false;
        auto& members = *open_.back().value->if_object();
        if (members.empty()) members.reserve(4);
        members.emplace_back(std::string(text, size), json());
        return true;
    }
    bool EndObject(rapidjson::SizeType) {
        const auto& object = open_.back();
        if (ambiguous(*object.value->if_object(), object.fold_keys)) return fail(errc::ambiguous_key);
        open_.pop_back();
        return true;
    }
    bool StartArray() { return open(json(json::array())); }
    bool EndArray(rapidjson::SizeType) {
        open_.pop_back();
        return true;
    }
    // Numbers come as RawNumber; RapidJSON still wants to see these.
    bool Int(int) { return false; }
    bool Uint(unsigned) { return false; }
    bool Int64(std::int64_t) { return false; }
    bool Uint64(std::uint64_t) { return false; }
    bool Double(double) { return false; }

private:
    bool fail(errc e) {
        failure_ = e;
        return false;
    }

    // The text as a whole was valid UTF-8; a string can still be wrong by an escape such as \udc00,
    // which RapidJSON encodes as ED B0 80.
    bool sound(std::string_view text) {
        if (text.find('\xED') == std::string_view::npos || valid_utf8(text)) return true;
        return fail(errc::invalid_utf8);
    }

    struct container {
        json* value;    // stays where it is until it is closed
        bool fold_keys;
    };

    json* place(json value) {
        if (open_.empty()) return &(root_ = std::move(value));
        json& parent = *open_.back().value;
        if (auto* elements = parent.if_array()) return &elements->emplace_back(std::move(value));
        return &(parent.if_object()->back().second = std::move(value));
    }
    bool put(json value) {
        place(std::move(value));
        return true;
    }
    bool open(json value) {
        if (open_.size() >= limits_.max_depth) return fail(errc::too_deep);
        const bool fold = limits_.fold_keys && !holds_free_map();
        open_.push_back({place(std::move(value)), fold});
        return true;
    }
    bool holds_free_map() const {
        if (open_.empty()) return false;
        const auto* members = open_.back().value->if_object();
        return members && is_free_map(members->back().first);
    }

    const json_limits& limits_;
    json root_;
    std::vector<container> open_;
    error_code failure_;
};

}  // namespace

result<json> parse_json(std::string_view text, const json_limits& limits) {
    // RapidJSON takes a NUL for the end of the text, and would not see what follows.
    if (text.find('\0') != std::string_view::npos) return errc::malformed_json;
    if (!valid_utf8(text)) return errc::invalid_utf8;

    builder build(limits);
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::Reader reader;
    constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
    const auto done = reader.Parse<flags>(stream, build);
    if (!done.IsError()) return build.take();
    if (build.failure()) return build.failure();
    if (done.Code() == rapidjson::kParseErrorStringUnicodeSurrogateInvalid) return errc::invalid_utf8;
    return errc::malformed_json;
}

}  // namespace protocol
