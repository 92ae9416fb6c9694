// A YAML or JSON file as the kubelet reads it (sigs.k8s.io/yaml): a tree of scalars that keep the text they were
// written as.
//
// Only the first YAML document counts. Aliases and merge keys work; what differs between versions of the kubelet's
// parser (a key twice, a merge after a key that it would change) and what yaml-cpp would read otherwise than it
// (control characters, text that is not UTF-8, tags) is refused.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "launcher/outcome.h"

namespace launcher {

struct yaml_value {
    // A plain scalar is what YAML 1.1 takes it for: `yes`, `off` and `y` are booleans, 010 is an integer.
    enum class kind { null, boolean, integer, real, text, list, map };
    kind what = kind::null;
    std::string scalar;  // as it was written, quotes and escapes undone
    std::vector<yaml_value> items;
    std::vector<std::pair<std::string, yaml_value>> members;  // no key twice
    int line = 0;  // from 1; 0 when unknown (JSON)

    // The member, or null when absent or when this is no map.
    const yaml_value* find(std::string_view key) const;
    bool truth() const;  // of a boolean
};

struct yaml_limits {
    std::size_t max_bytes = 10u << 20;
    std::size_t max_depth = 64;
    std::size_t max_nodes = 200'000;      // with every alias written out
    std::size_t max_text = 32u << 20;     // bytes of scalars, with every alias written out
};

// `name` begins the error: "kube-scheduler.yaml:3:7: …".
outcome<yaml_value> parse_yaml(std::string_view bytes, const std::string& name, const yaml_limits& limits = {});

// The whole of a regular file, at most `max_bytes` of it. Symbolic links are followed, as the kubelet does.
outcome<std::string> read_regular_file(const std::string& path, std::size_t max_bytes = 10u << 20);

}  // namespace launcher
