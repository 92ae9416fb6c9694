// What every part of gateway.yaml is read with: pieces of YAML taken or refused with their place.
#pragma once

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/config_table.h"
#include "launcher/outcome.h"

namespace gateway {

// The first error wins; after it nothing is read any more.
class config_reader {
public:
    config_reader(std::string file, std::string directory)
        : file_(std::move(file)), directory_(std::move(directory)) {}

    bool ok() const { return error_.empty(); }
    const std::string& error() const { return error_; }

protected:
    template <class Keys>
    static std::vector<std::string_view> names(const Keys& keys) {
        std::vector<std::string_view> out;
        for (const auto& key : keys) out.push_back(key.name);
        return out;
    }

    void fail(const YAML::Node& where, const std::string& what) {
        if (!ok()) return;
        const YAML::Mark mark = where.Mark();
        error_ = file_;
        if (!mark.is_null())
            error_ += ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
        error_ += ": " + what;
    }

    void each(const YAML::Node& node, const std::string& what, const std::vector<std::string_view>& known,
              const std::function<void(const std::string&, const YAML::Node&)>& take) {
        if (!node.IsMap()) return fail(node, what + " must be a map of keys");
        std::set<std::string> seen;
        for (const auto& entry : node) {
            if (!ok()) return;
            if (!entry.first.IsScalar()) return fail(entry.first, "a key must be a name");
            const std::string key = entry.first.Scalar();
            if (!seen.insert(key).second) return fail(entry.first, "`" + key + "` is given twice");
            if (std::find(known.begin(), known.end(), key) == known.end()) {
                const std::string near = nearest(key, known);
                return fail(entry.first, "unknown key `" + key + "`" +
                                             (near.empty() ? "" : "; did you mean `" + near + "`?"));
            }
            take(key, entry.second);
        }
    }

    std::string text(const std::string& key, const YAML::Node& value) {
        if (value.IsScalar() && value.Scalar().find('\0') == std::string::npos) return value.Scalar();
        fail(value, "`" + key + "` must be one piece of text");
        return {};
    }

    std::string some_text(const std::string& key, const YAML::Node& value) {
        std::string out = text(key, value);
        if (ok() && out.empty()) fail(value, "`" + key + "` must not be empty");
        return out;
    }

    std::string path(const std::string& key, const YAML::Node& value) {
        return absolute(some_text(key, value));
    }
    std::string absolute(std::string given) const {
        if (given.empty() || given.front() == '/') return given;
        return directory_ + "/" + given;
    }

    std::vector<std::string> list(const std::string& key, const YAML::Node& value, bool empty_items) {
        std::vector<std::string> out;
        if (!value.IsSequence()) {
            fail(value, "`" + key + "` must be a list, such as [a, b]");
            return out;
        }
        for (const auto& item : value) out.push_back(empty_items ? text(key, item) : some_text(key, item));
        return out;
    }

    // Taken or refused, with the place.
    template <class T>
    T checked(const YAML::Node& where, const std::string& key, launcher::outcome<T> parsed) {
        if (parsed) return std::move(*parsed);
        fail(where, "`" + key + "`: " + parsed.error());
        return T{};
    }

    std::string one_of(const std::string& key, const YAML::Node& value, const std::vector<std::string_view>& choices) {
        const std::string given = text(key, value);
        if (ok() && std::find(choices.begin(), choices.end(), given) == choices.end()) {
            std::string all;
            for (const auto& choice : choices) all += (all.empty() ? "" : ", ") + std::string(choice);
            fail(value, "`" + key + "` is one of " + all + "; not \"" + given + "\"");
        }
        return given;
    }

private:
    const std::string file_;
    const std::string directory_;
    std::string error_;
};

}  // namespace gateway
