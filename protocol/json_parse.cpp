// The strict reader: RapidJSON's iterative SAX parser, plus what it lets pass.
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <utility>

#include "protocol/json.h"

namespace protocol {
namespace {

// Members that Go reads into a map, whose keys it takes as they are: http_proxy and HTTP_PROXY are
// two variables. No Go type that dlv decodes has a struct under these names (the last one is
// vscode-go's own, which dlv skips).
bool is_free_map(std::string_view key) {
    for (const std::string_view name :
         {"env", "clientmoduledirectories", "packagepathtogomodpathmap"})
        if (key.size() == name.size() && fold_key(key) == name) return true;
    return false;
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
    builder(const json_limits& limits, bool has_escapes)
        : limits_(limits), has_escapes_(has_escapes) {}

    json take() { return std::move(root_); }
    error_code failure() const { return failure_; }

    // The interface that RapidJSON calls; false ends the parse.
    bool Null() { return put(nullptr); }
    bool Bool(bool b) { return put(b); }
    bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
        return put(json::number{std::string(text, size)});
    }
    bool String(const char* text, rapidjson::SizeType size, bool) {
        return sound({text, size}) && put(std::string(text, size));
    }
    bool Key(const char* text, rapidjson::SizeType size, bool) {
        key_.assign(text, size);
        return sound(key_);
    }
    bool StartObject() { return open(json::object()); }
    bool EndObject(rapidjson::SizeType) {
        const auto& object = open_.back();
        if (ambiguous(*object.members, object.fold_keys)) return fail(errc::ambiguous_key);
        open_.pop_back();
        return true;
    }
    bool StartArray() { return open(json::array()); }
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
        if (!has_escapes_ || valid_utf8(text)) return true;
        return fail(errc::invalid_utf8);
    }

    // One of the two is set. They stay where they are until they are closed: only the innermost
    // container grows.
    struct container {
        json::array* elements;
        json::object* members;
        bool fold_keys;
    };

    template <class T>
    json* place(T&& value) {
        if (open_.empty()) return &(root_ = json(std::forward<T>(value)));
        if (auto* elements = open_.back().elements)
            return &elements->emplace_back(std::forward<T>(value));
        auto& members = *open_.back().members;
        if (members.empty()) members.reserve(4);
        return &members.emplace_back(std::move(key_), std::forward<T>(value)).second;
    }
    template <class T>
    bool put(T&& value) {
        place(std::forward<T>(value));
        return true;
    }
    template <class T>
    bool open(T&& empty) {
        if (open_.size() >= limits_.max_depth) return fail(errc::too_deep);
        const bool in_object = !open_.empty() && open_.back().members;
        const bool fold = limits_.fold_keys && !(in_object && is_free_map(key_));
        json* const value = place(std::forward<T>(empty));
        open_.push_back({value->if_array(), value->if_object(), fold});
        return true;
    }

    const json_limits& limits_;
    const bool has_escapes_;
    json root_;
    std::string key_;  // of the member whose value comes next
    std::vector<container> open_;
    error_code failure_;
};

}  // namespace

result<json> parse_json(std::string_view text, const json_limits& limits, std::size_t* where) {
    // RapidJSON takes a NUL for the end of the text, and would not see what follows.
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        if (where) *where = nul;
        return errc::malformed_json;
    }
    if (!valid_utf8(text)) return errc::invalid_utf8;

    builder build(limits, text.find('\\') != std::string_view::npos);
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::Reader reader;
    constexpr unsigned flags =
        rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
    const auto done = reader.Parse<flags>(stream, build);
    if (!done.IsError()) return build.take();
    if (where) *where = done.Offset();
    if (build.failure()) return build.failure();
    if (done.Code() == rapidjson::kParseErrorStringUnicodeSurrogateInvalid)
        return errc::invalid_utf8;
    return errc::malformed_json;
}

}  // namespace protocol
