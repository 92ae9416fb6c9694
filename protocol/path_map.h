// A viewer's own paths: prefix rules between its checkout and the paths compiled into the program.
// Same rules as Delve's (pkg/locspec/locations.go, SubstitutePath), except that a Windows path keeps
// its letters' case: Delve lower-cases the remainder, which no Linux node would find again.
#pragma once

#include <optional>
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
    // Of one viewer, wherever they come from: each path is compared with all of them.
    static constexpr std::size_t max_rules = 256;
    // A text longer than this stays as it is.
    static constexpr std::size_t longest_text = 2u << 20;

    // Rules of a DAP attach: [{"from":client,"to":server},…]. Entries of another form are skipped:
    // judge() has refused them already. Their lengths are for the caller to look at (fit()).
    static path_map from_attach(const json& substitute_path);

    // Adds the rule, or replaces the one with the same client prefix.
    void add(std::string client, std::string server);
    // Adds it behind the others, unless there is one with the same client prefix.
    void add_unless_there(path_rule rule);
    // `dlv config substitutePath REST` as Delve's DAP server takes it: two fields add or replace, one
    // removes, "-clear" empties. What Delve would refuse changes nothing, and gives Delve's words; so
    // does what goes beyond max_rules.
    std::string configure(std::string_view rest);

    // The first rule that fits counts; a path that none fits stays as it is.
    std::string to_server(std::string_view path) const;
    std::string to_client(std::string_view path) const;
    // Every path in running text: an error, `FILE:LINE in FUNC`, a regular expression over paths. Rules with an
    // empty prefix fit nothing here, and relative ones only what ends like a source file. Work is bounded by the text's
    // length, whatever the rules: where rules and text are made for each other to cost more, the rest stays as it is.
    std::string text_to_server(std::string_view text) const;
    std::string text_to_client(std::string_view text) const;
    // A location of Delve's (`FILE:LINE`); every other form stays as it is, and so does one that a rule would
    // turn into something that computes.
    std::string location_to_server(std::string_view location) const;

    // The client named a file as Kubernetes also calls it (kubernetes_alias), and `server` is what the program knows:
    // from now on the whole module goes by the client's name.
    void learn_alias(std::string_view client, std::string_view server);

    bool empty() const { return rules_.empty(); }
    bool fit() const;  // each rule is of two names that could be paths
    const std::vector<path_rule>& rules() const { return rules_; }

private:
    std::vector<path_rule> rules_;
};

// Whether it may be a path of a rule, or a part of one: not longer than any system's, without control characters.
bool fit_for_a_path(std::string_view text);

// Kubernetes keeps its staged modules under two names, of which one is a link to the other: …/vendor/k8s.io/X/… and
// …/staging/src/k8s.io/X/…. The other name of such a path, or of a location in it; of one in neither, nothing.
std::optional<std::string> kubernetes_alias(std::string_view path);

}  // namespace protocol
