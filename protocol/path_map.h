// A viewer's own paths: prefix rules between its checkout and the paths compiled into the program.
// Same rules as Delve's (pkg/locspec/locations.go, SubstitutePath), except that a Windows path keeps
// its letters' case: Delve lower-cases the remainder, which no Linux node would find again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/json.h"

namespace protocol {

struct path_rule {
    std::string client;
    std::string server;
    bool operator==(const path_rule&) const = default;
};

class path_map {
public:
    // Rules of a DAP attach: [{"from":client,"to":server},…]. Entries of another form are skipped:
    // judge() has refused them already.
    static path_map from_attach(const json& substitute_path);

    // Adds the rule, or replaces the one with the same client prefix.
    void add(std::string client, std::string server);
    // `dlv config substitutePath REST` as Delve's DAP server takes it: two fields add or replace, one
    // removes, "-clear" empties. Call it only after dlv has taken the command.
    void configure(std::string_view rest);

    std::string to_server(std::string_view path) const;
    std::string to_client(std::string_view path) const;
    const std::vector<path_rule>& rules() const { return rules_; }

private:
    std::vector<path_rule> rules_;
};

}  // namespace protocol
