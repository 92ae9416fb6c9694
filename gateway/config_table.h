// Every key of gateway.yaml: the one place for its name, unit, default and sentence. The reader, `serve
// --print-default-config` and docs/configuration.md (checked by a test) come from it.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/limits.h"

namespace gateway {

struct limit_key {
    std::string_view name;  // below `limits:`
    std::string_view unit;  // duration, bytes, count
    std::chrono::milliseconds limits::*time = nullptr;  // one of the two
    std::size_t limits::*number = nullptr;
    std::string_view sentence;
};
const std::vector<limit_key>& limit_keys();
std::string format_limit(const limit_key& key, const limits& bounds);

struct plain_key {
    std::string_view name;
    std::string_view kind;      // what a value looks like
    std::string fallback;       // as YAML; empty: the key has to be given
    std::string_view sentence;
    std::string_view example;   // as YAML, for keys without a default
};
const std::vector<plain_key>& top_keys();        // without clientCAs, limits and components
const std::vector<plain_key>& client_ca_keys();  // of one entry of `clientCAs:`
const std::vector<plain_key>& component_keys();  // of one entry of `components:`

// The name nearest to a misspelt one; empty when nothing is near.
std::string nearest(std::string_view wrong, const std::vector<std::string_view>& known);

// The tables of docs/configuration.md.
std::string config_reference();

}  // namespace gateway
