// The strict reader: RapidJSON's iterative SAX parser, plus what it lets pass.
#include <algorithm>
#include <cstring>

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "protocol/json.h"

namespace protocol {
namespace {

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
        auto& members = *open_.back()->if_object();
        if (members.empty()) members.reserve(4);
        members.emplace_back(std::string(text, size), json());
        return true;
    }
    bool EndObject(rapidjson::SizeType) {
        if (ambiguous(*open_.back()->if_object())) return fail(errc::ambiguous_key);
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

    // Containers being built stay where they are until they are closed, so pointers to them hold.
    json* place(json value) {
        if (open_.empty()) return &(root_ = std::move(value));
        if (auto* elements = open_.back()->if_array())
            return &elements->emplace_back(std::move(value));
        return &(open_.back()->if_object()->back().second = std::move(value));
    }
    bool put(json value) {
        place(std::move(value));
        return true;
    }
    bool open(json container) {
        if (open_.size() >= limits_.max_depth) return fail(errc::too_deep);
        open_.push_back(place(std::move(container)));
        return true;
    }

    bool ambiguous(const json::object& members) const {
        if (members.size() < 2) return false;
        std::vector<std::string> keys;
        keys.reserve(members.size());
        for (const auto& [name, value] : members)
            keys.push_back(limits_.fold_keys ? fold_key(name) : name);
        std::sort(keys.begin(), keys.end());
        return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
    }

    const json_limits& limits_;
    json root_;
    std::vector<json*> open_;
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
