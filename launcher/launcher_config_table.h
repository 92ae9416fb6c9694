// Every key of launcher.yaml: the one place for its name, form, default and sentence, and for how it is read.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/launcher_config.h"

namespace launcher {

template <class Target>
struct config_key {
    std::string_view name;
    std::string_view kind;    // what a value looks like
    bool list = false;
    std::string fallback;     // as YAML; empty: there is none
    std::string_view sentence;
    std::string_view example;  // as YAML, for keys without a default
    // Takes the value (a list's items; else one) over; what is wrong with it, or "".
    std::function<std::string(Target&, const std::vector<std::string>&)> set;
};
const std::vector<config_key<launcher_config>>& launcher_keys();         // without components
const std::vector<config_key<component_definition>>& component_keys();  // of one entry of `components:`


// The kinds whose key it is; empty: all.
std::vector<component_kind> kinds_of_key(std::string_view key);
std::string names_of(const std::vector<component_kind>& kinds);  // "static-pod or attach"
// What a definition needs beside its single keys, and what follows from its kind; what is wrong with it, or "".
std::string settle(component_definition& definition, bool ceiling_given);

// Empty, or why `one` cannot stand beside those that are there: it is called like one, or takes the same thing out.
std::string clash_of(const launcher_config& all, const component_definition& one);

}  // namespace launcher
