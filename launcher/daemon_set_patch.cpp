#include "launcher/daemon_set_patch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "launcher/daemon_set_affinity.h"
#include "launcher/failed.h"
#include "launcher/json_patch.h"
#include "storage/sha256.h"

namespace launcher {

namespace {

using protocol::json;
using namespace daemon_set_affinity;

constexpr std::string_view key_start = "delvegate.io/out.";
constexpr std::size_t longest_key = 63;  // of what follows the slash
const std::string strategy_path = "/spec/updateStrategy";
constexpr std::array<std::pair<node_out::made, std::string_view>, 4> made_names{{
    {node_out::made::terms, "terms"},
    {node_out::made::required, "required"},
    {node_out::made::node_affinity, "nodeAffinity"},
    {node_out::made::affinity, "affinity"},
}};

json record_of(const node_out& who) {
    json out = json::object{{"node", who.node}, {"session", who.session}, {"by", who.by}, {"since", who.since},
                            {"component", who.component}, {"machine", who.machine}, {"strategy", who.strategy}};
    for (const auto& [made, name] : made_names)
        if (made == who.first_made) out.set("made", name);
    json::array others;
    for (const auto& each : who.others) others.emplace_back(each);
    out.set("others", std::move(others));
    if (!who.undo.empty()) out.set("undo", who.undo);
    return out;
}

const json::object* annotations_of(const json& daemon_set) {
    const auto* found = at_pointer(daemon_set, "/metadata/annotations");
    return found != nullptr ? found->if_object() : nullptr;
}

// Everything but the status: an edit in between makes the patch fail, and it is made anew.
void add_generation(json::array& patch, const json& daemon_set) {
    if (const auto* generation = at_pointer(daemon_set, "/metadata/generation"))
        patch.push_back(patch_test("/metadata/generation", *generation));
}

bool is_on_delete(const json& daemon_set) {
    const auto* strategy = at_pointer(daemon_set, strategy_path);
    return strategy != nullptr && strategy->get_string("type") == "OnDelete";
}

}  // namespace

std::string record_text(const node_out& record) { return protocol::to_text(record_of(record)); }

std::optional<node_out> read_record(const std::string& bytes) {
    const auto value = protocol::parse_json(bytes);
    if (!value || !value->is_object()) return std::nullopt;
    node_out out;
    out.node = value->get_string("node");
    out.session = value->get_string("session");
    out.by = value->get_string("by");
    out.since = value->get_string("since");
    out.component = value->get_string("component");
    out.machine = value->get_string("machine");
    out.undo = value->get_string("undo");
    const auto* strategy = value->find("strategy");
    if (out.node.empty() || strategy == nullptr || !strategy->is_object()) return std::nullopt;
    out.strategy = *strategy;
    for (const auto& [made, name] : made_names)
        if (value->get_string("made") == name) out.first_made = made;
    if (const auto* others = value->find("others"); has_items(others))
        for (const auto& each : *others->if_array())
            if (const auto* name = each.if_string()) out.others.push_back(*name);
    return out;
}

std::string annotation_of(const std::string& node) {
    const auto start = std::string(key_start);
    const auto room = longest_key - (start.size() - start.find('/') - 1);
    return node.size() <= room ? start + node : start + storage::sha256_hex(node).substr(0, 40);
}

std::vector<node_out> nodes_out(const json& daemon_set) {
    std::vector<node_out> out;
    if (const auto* annotations = annotations_of(daemon_set))
        for (const auto& [key, value] : *annotations)
            if (key.starts_with(key_start) && value.if_string() != nullptr)
                if (auto record = read_record(*value.if_string())) out.push_back(std::move(*record));
    return out;
}

out_state state_of_node(const json& daemon_set, const std::string& node) {
    out_state out;
    if (const auto* annotations = annotations_of(daemon_set))
        for (const auto& [key, value] : *annotations)
            if (key == annotation_of(node)) {
                out.annotated = true;
                if (const auto* bytes = value.if_string()) out.record = read_record(*bytes);
            }
    const auto names = unwanted(daemon_set);
    out.kept_out = std::find(names.begin(), names.end(), node) != names.end();
    out.everywhere = out.kept_out && no_term_wants(daemon_set, node);
    // The node was kept out before we came: that is not ours.
    if (out.record && std::find(out.record->others.begin(), out.record->others.end(), node) != out.record->others.end())
        out.kept_out = false;
    out.on_delete = is_on_delete(daemon_set);
    return out;
}

outcome<node_out> record_out(const json& daemon_set, const node_out& asked) {
    const auto* strategy = at_pointer(daemon_set, strategy_path);
    if (strategy == nullptr || !strategy->is_object()) return failed<node_out>("the DaemonSet has no updateStrategy");
    const auto state = state_of_node(daemon_set, asked.node);
    if (state.annotated)
        return failed<node_out>("node " + asked.node + " is taken out of it already" +
                            (state.record ? " (session " + state.record->session + ", since " + state.record->since + ", by " +
                                                state.record->by + ")"
                                          : ", by an annotation that cannot be read: " + annotation_of(asked.node)));
    if (state.kept_out) return failed<node_out>("its affinity keeps node " + asked.node + " out already, and that is not our edit");

    auto who = asked;
    who.strategy = *strategy;
    who.others = unwanted(daemon_set);
    const auto* terms = terms_of(daemon_set);
    const bool any_terms = terms != nullptr && !terms->empty();
    who.first_made = any_terms                                        ? node_out::made::terms
                     : at_pointer(daemon_set, node_affinity_path)     ? node_out::made::required
                     : at_pointer(daemon_set, affinity_path)          ? node_out::made::node_affinity
                                                                      : node_out::made::affinity;
    // Another node's record knows what was there before both.
    const auto earlier = nodes_out(daemon_set);
    if (!earlier.empty()) {
        who.strategy = earlier.front().strategy;
        who.others = earlier.front().others;
        who.first_made = earlier.front().first_made;
    }
    return outcome<node_out>(boost::system::in_place_value, std::move(who));
}

outcome<json> patch_out(const json& daemon_set, const node_out& asked) {
    auto record = record_out(daemon_set, asked);
    if (!record) return failed<json>(record.error());
    const auto& who = *record;
    const auto* strategy = at_pointer(daemon_set, strategy_path);
    const auto* terms = terms_of(daemon_set);
    const bool any_terms = terms != nullptr && !terms->empty();

    json::array patch;
    add_generation(patch, daemon_set);
    patch.push_back(patch_test(strategy_path, *strategy));
    if (annotations_of(daemon_set) == nullptr) patch.push_back(patch_add("/metadata/annotations", json::object{}));
    patch.push_back(patch_add("/metadata/annotations/" + json_pointer(annotation_of(who.node)), record_text(who)));
    patch.push_back(patch_replace(strategy_path, json::object{{"type", "OnDelete"}}));

    const auto not_this = requirement(who.node);
    if (any_terms) {
        bool wants_some = false;
        for (std::size_t i = 0; i < terms->size(); ++i) {
            const auto& term = (*terms)[i];
            if (is_empty_term(term)) continue;
            wants_some = true;
            const auto path = terms_path + "/" + std::to_string(i) + "/matchFields";
            if (has_items(term.find("matchFields"))) patch.push_back(patch_add(path + "/-", not_this));
            else patch.push_back(patch_add(path, json::array{not_this}));
        }
        if (!wants_some) return failed<json>("its affinity has empty terms only, and so it wants no node at all");
        return json(std::move(patch));
    }
    const json required = json::object{{"nodeSelectorTerms", json::array{json::object{{"matchFields", json::array{not_this}}}}}};
    if (at_pointer(daemon_set, required_path))
        return failed<json>("its affinity requires one of no terms, and so it wants no node at all");
    if (at_pointer(daemon_set, node_affinity_path))
        patch.push_back(patch_add(required_path, required));
    else if (at_pointer(daemon_set, affinity_path))
        patch.push_back(patch_add(node_affinity_path,
                                  json::object{{"requiredDuringSchedulingIgnoredDuringExecution", required}}));
    else
        patch.push_back(patch_add(
            affinity_path,
            json::object{{"nodeAffinity", json::object{{"requiredDuringSchedulingIgnoredDuringExecution", required}}}}));
    return json(std::move(patch));
}

json patch_forget(const json& daemon_set, const std::string& node) {
    json::array patch;
    if (!state_of_node(daemon_set, node).annotated) return json(std::move(patch));
    add_generation(patch, daemon_set);
    patch.push_back(patch_remove("/metadata/annotations/" + json_pointer(annotation_of(node))));
    return json(std::move(patch));
}

patch_back_plan patch_back(const json& daemon_set, const std::string& node, const std::optional<node_out>& remembered) {
    patch_back_plan out;
    auto state = state_of_node(daemon_set, node);
    if (!state.record && remembered && remembered->node == node) state.record = remembered;
    out.patch = json::array{};
    if (!state.any()) return out;
    json::array patch;
    add_generation(patch, daemon_set);

    const auto* terms = terms_of(daemon_set);
    const auto left = terms != nullptr && state.kept_out ? terms_without(*terms, node) : std::nullopt;
    if (left) {
        patch.push_back(patch_test(affinity_path, *at_pointer(daemon_set, affinity_path)));
        if (left->empty())
            patch.push_back(patch_remove(emptied(daemon_set, state.record ? state.record->first_made : node_out::made::affinity)));
        else
            patch.push_back(patch_replace(terms_path, *left));
    } else {
        out.remarks.push_back("somebody has taken `not " + node + "` out of its affinity meanwhile");
    }
    if (state.annotated) patch.push_back(patch_remove("/metadata/annotations/" + json_pointer(annotation_of(node))));

    // Who is out beside us: by a record, or by a requirement that nobody has explained.
    std::vector<std::string> beside;
    for (const auto& each : nodes_out(daemon_set))
        if (each.node != node) beside.push_back(each.node);
    std::vector<std::string> known = state.record ? state.record->others : std::vector<std::string>();
    for (const auto& name : unwanted(daemon_set))
        if (name != node && std::find(known.begin(), known.end(), name) == known.end() &&
            std::find(beside.begin(), beside.end(), name) == beside.end())
            beside.push_back(name);
    std::string names;
    for (const auto& each : beside) names += (names.empty() ? "" : ", ") + each;
    if (!state.record)
        out.remarks.push_back("what its updateStrategy was is not written down any more: it stays " +
                              std::string(state.on_delete ? "OnDelete; set it as it should be" : "as it is"));
    else if (!state.on_delete)
        out.remarks.push_back("somebody has changed its updateStrategy meanwhile: it stays as it is");
    else if (!beside.empty())
        out.remarks.push_back("its updateStrategy stays OnDelete, for also out is " + names);
    else if (const auto* strategy = at_pointer(daemon_set, strategy_path)) {
        patch.push_back(patch_test(strategy_path, *strategy));
        patch.push_back(patch_replace(strategy_path, state.record->strategy));
        out.last = true;
    }
    out.patch = std::move(patch);
    return out;
}

}  // namespace launcher
