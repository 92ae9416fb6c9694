// Builds a yaml_value from yaml-cpp's events, with aliases and merge keys written out.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <map>
#include <string>
#include <vector>

#include "launcher/yaml_document.h"

namespace launcher {

// What ends the reading. It never leaves parse_yaml.
struct yaml_fault {
    std::size_t line = 0;    // from 1
    std::size_t column = 0;  // from 1
    std::string what;
};

class yaml_events final : public YAML::EventHandler {
public:
    explicit yaml_events(const yaml_limits& limits) : limits_(limits) {}

    yaml_value take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override;
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override;
    void OnSequenceEnd() override;
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override;
    void OnMapEnd() override;

private:
    struct frame {  // a list or map that is not complete
        yaml_value value;
        YAML::anchor_t anchor = YAML::NullAnchor;
        YAML::Mark mark;
        bool has_key = false;
        bool merges = false;      // the pending key is `<<`
        bool has_merged = false;  // there was a `<<`
        std::string key;
        struct slot {
            std::size_t index = 0;
            bool merged = false;
        };
        std::map<std::string, slot, std::less<>> index;  // of a map's members
    };
    struct weight {
        std::size_t nodes = 0, text = 0;
    };

    [[noreturn]] static void fail(const YAML::Mark& mark, std::string what);
    bool wants_key() const;
    void charge(const YAML::Mark& mark, weight more);
    void open(const YAML::Mark& mark, yaml_value::kind what, YAML::anchor_t anchor);
    void close();
    void key(const YAML::Mark& mark, const std::string& text, bool plain);
    void complete(const YAML::Mark& mark, yaml_value value, YAML::anchor_t anchor);
    void merge(const YAML::Mark& mark, frame& into, const yaml_value& from);
    void merge_one(const YAML::Mark& mark, frame& into, const yaml_value& from);

    const yaml_limits& limits_;
    std::vector<frame> open_;
    std::map<YAML::anchor_t, yaml_value> anchors_;
    weight total_;
    yaml_value root_;
};

}  // namespace launcher
