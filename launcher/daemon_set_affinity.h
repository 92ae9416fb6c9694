// What a DaemonSet's template says of the nodes it wants, as far as one node is taken out of it by its name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/daemon_set_patch.h"
#include "protocol/json.h"

namespace launcher::daemon_set_affinity {

inline const std::string affinity_path = "/spec/template/spec/affinity";
inline const std::string node_affinity_path = affinity_path + "/nodeAffinity";
inline const std::string required_path = node_affinity_path + "/requiredDuringSchedulingIgnoredDuringExecution";
inline const std::string terms_path = required_path + "/nodeSelectorTerms";

// {"key":"metadata.name","operator":"NotIn","values":[node]}: one value each is all that the API takes.
protocol::json requirement(const std::string& node);
bool has_items(const protocol::json* list);
// A term without a requirement matches no node; with ours in it it would match every other one.
bool is_empty_term(const protocol::json& term);
const protocol::json::array* terms_of(const protocol::json& daemon_set);
// Nodes that a term does not want by their name.
std::vector<std::string> unwanted(const protocol::json& daemon_set);
// Terms are alternatives: every one that is not empty has to refuse it.
bool no_term_wants(const protocol::json& daemon_set, const std::string& node);
// What is left of the terms without the requirement; none: it was in none of them.
std::optional<protocol::json::array> terms_without(const protocol::json::array& terms, const std::string& node);
// What to remove when no term is left: the required part, and above it what the first of us has made and nobody else has
// filled since.
std::string emptied(const protocol::json& daemon_set, node_out::made first);

}  // namespace launcher::daemon_set_affinity
