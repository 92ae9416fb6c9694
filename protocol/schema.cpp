#include "protocol/schema.h"

#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

namespace protocol {
namespace {

std::string_view kind_of(const json& value) {
    if (value.is_null()) return "null";
    if (value.is_bool()) return "a boolean";
    if (value.is_number()) return "a number";
    if (value.is_string()) return "a string";
    if (value.is_array()) return "an array";
    return "an object";
}

std::string_view wanted(const go_type& type) {
    switch (type.kind) {
        case go_kind::boolean: return "a boolean";
        case go_kind::text: return "a string";
        case go_kind::integer: return "an integer";
        case go_kind::slice:
        case go_kind::array: return "an array";
        case go_kind::map:
        case go_kind::structure: return "an object";
        case go_kind::any: break;
    }
    return "a value";
}

class reader {
public:
    explicit reader(std::string& error) : error_(error) {}

    bool read(const json& in, const go_type& type, json& out) {
        if (in.is_null() && type.kind != go_kind::any) return read_null(type, out);
        switch (type.kind) {
            case go_kind::boolean:
                if (!in.is_bool()) return wrong(in, type);
                out = in;
                return true;
            case go_kind::text:
                if (!in.is_string()) return wrong(in, type);
                out = in;
                return true;
            case go_kind::integer: return read_integer(in, type, out);
            case go_kind::structure: return read_structure(in, type, out);
            case go_kind::slice:
            case go_kind::array: return read_sequence(in, type, out);
            case go_kind::map: return read_map(in, type, out);
            case go_kind::any: out = in; return true;
        }
        return false;
    }

private:
    bool wrong(const json& in, const go_type& type) {
        return fail(std::string("must be ")
                        .append(wanted(type))
                        .append(", not ")
                        .append(kind_of(in)));
    }

    bool fail(std::string_view what) {
        error_ = path_.empty() ? std::string("the argument ") : path_ + " ";
        error_.append(what);
        return false;
    }

    bool read_null(const go_type& type, json& out) {
        switch (type.kind) {
            case go_kind::boolean: out = json(false); return true;
            case go_kind::text: out = json(""); return true;
            case go_kind::integer: out = json(0); return true;
            case go_kind::structure:
                for (const auto& field : type.fields)
                    if (field.required) return wrong(json(), type);
                out = json(json::object{});
                return true;
            case go_kind::array: return read_sequence(json(json::array{}), type, out);
            case go_kind::slice:
            case go_kind::map:
            case go_kind::any: break;
        }
        out = json();
        return true;
    }

    // strconv.ParseInt and ParseUint in base 10, on what JSON calls a number.
    bool read_integer(const json& in, const go_type& type, json& out) {
        const auto* number = in.if_number();
        if (!number) return wrong(in, type);
        const char* first = number->token.data();
        const char* last = first + number->token.size();
        if (type.is_signed) {
            std::int64_t value = 0;
            auto [end, ec] = std::from_chars(first, last, value);
            if (end != last || ec == std::errc::invalid_argument)
                return fail("must be an integer without fraction or exponent, not " +
                            number->token);
            const auto high = std::numeric_limits<std::int64_t>::max() >> (64 - type.bits);
            if (ec != std::errc() || value > high || value < -high - 1)
                return fail("is out of range: " + number->token);
        } else {
            std::uint64_t value = 0;
            auto [end, ec] = std::from_chars(first, last, value);
            if (end != last || ec == std::errc::invalid_argument)
                return fail("must be a non-negative integer without fraction or exponent, not " +
                            number->token);
            const auto high = std::numeric_limits<std::uint64_t>::max() >> (64 - type.bits);
            if (ec != std::errc() || value > high) return fail("is out of range: " + number->token);
        }
        out = in;
        return true;
    }

    bool read_structure(const json& in, const go_type& type, json& out) {
        const auto* object = in.if_object();
        if (!object) return wrong(in, type);
        std::vector<const json*> found(type.fields.size(), nullptr);
        for (const auto& [key, value] : *object) {
            std::size_t i = index_of(type.fields, key);
            if (i == found.size()) continue;
            if (found[i]) {
                enter(key);
                return fail("is given twice");
            }
            found[i] = &value;
        }
        json::object members;
        for (std::size_t i = 0; i < found.size(); ++i) {
            const go_field& field = type.fields[i];
            std::size_t mark = enter(field.key);
            if (!found[i] || found[i]->is_null()) {
                if (field.required) return fail("must be given");
            } else {
                json value;
                if (!read(*found[i], *field.type, value)) return false;
                if (!field.dropped) members.emplace_back(std::string(field.key), std::move(value));
            }
            path_.resize(mark);
        }
        out = json(std::move(members));
        return true;
    }

    static std::size_t index_of(std::span<const go_field> fields, const std::string& key) {
        for (std::size_t i = 0; i < fields.size(); ++i)
            if (fields[i].key == key) return i;
        for (std::size_t i = 0; i < fields.size(); ++i)
            if (fold_equal(fields[i].key, key)) return i;
        return fields.size();
    }

    bool read_sequence(const json& in, const go_type& type, json& out) {
        const auto* array = in.if_array();
        if (!array) return wrong(in, type);
        const bool fixed = type.kind == go_kind::array;
        // Go leaves what is beyond a fixed array unread, whatever it is, and zeroes what is missing.
        const std::size_t count = fixed ? type.length : array->size();
        json::array elements(count);
        for (std::size_t i = 0; i < count; ++i) {
            const json missing;
            std::size_t mark = enter_index(i);
            if (!read(i < array->size() ? (*array)[i] : missing, *type.element, elements[i]))
                return false;
            path_.resize(mark);
        }
        out = json(std::move(elements));
        return true;
    }

    bool read_map(const json& in, const go_type& type, json& out) {
        const auto* object = in.if_object();
        if (!object) return wrong(in, type);
        json::object members;
        members.reserve(object->size());
        for (const auto& [key, value] : *object) {
            std::size_t mark = enter(key);
            json read_value;
            if (!read(value, *type.element, read_value)) return false;
            members.emplace_back(key, std::move(read_value));
            path_.resize(mark);
        }
        out = json(std::move(members));
        return true;
    }

    std::size_t enter(std::string_view key) {
        std::size_t mark = path_.size();
        if (mark) path_ += '.';
        path_ += key;
        return mark;
    }
    std::size_t enter_index(std::size_t i) {
        std::size_t mark = path_.size();
        path_.append("[").append(std::to_string(i)).append("]");
        return mark;
    }

    std::string& error_;
    std::string path_;
};

}  // namespace

bool read_as(const json& in, const go_type& type, json& out, std::string& error) {
    return reader(error).read(in, type, out);
}

}  // namespace protocol
