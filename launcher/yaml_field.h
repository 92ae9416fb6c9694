// A value of a document together with where it is, to read it and to say what is wrong with it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/yaml_document.h"

namespace launcher {

// "FILE:12: spec.containers[0].name must be text". Thrown while a document is read, and caught where that began.
struct field_fault {
    int line = 0;
    std::string what;
};

class yaml_field {
public:
    yaml_field(const yaml_value& value, std::string path) : value_(&value), path_(std::move(path)) {}

    const std::string& path() const { return path_; }
    const yaml_value& value() const { return *value_; }
    [[noreturn]] void fail(const std::string& what) const { throw field_fault{value_->line, path_ + " " + what}; }

    // A member; null is as good as absent. On what is no map: a fault.
    std::optional<yaml_field> get(std::string_view key) const;
    yaml_field need(std::string_view key) const;  // a fault where it is absent

    // As Go decodes them: null is the empty value, a type is never guessed.
    std::string text() const;
    std::string quantity() const;  // text or a number
    bool truth() const;
    std::int64_t integer(std::int64_t least, std::int64_t most) const;
    std::vector<yaml_field> list() const;
    std::vector<std::string> texts() const;
    std::map<std::string, std::string, std::less<>> text_map() const;

    // Of a member that may be absent.
    std::string text_of(std::string_view key, std::string fallback = "") const;
    bool truth_of(std::string_view key) const;
    std::vector<yaml_field> list_of(std::string_view key) const;

    // The members that say something (not null, false or empty) and are not among these.
    std::vector<std::string> others(std::initializer_list<std::string_view> known) const;

private:
    void need_map() const;

    const yaml_value* value_;
    std::string path_;
};

}  // namespace launcher
