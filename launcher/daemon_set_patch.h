// One node taken out of a DaemonSet by one JSON patch, and back by another. Pure.
//
// The patch out makes updateStrategy OnDelete, adds "not this node" to the template's affinity, and writes down beside it, in
// an annotation for the node, what was there. The controller deletes this node's pod, and no other one. Several nodes may be
// out at once: each has its annotation, and only the last one back makes the updateStrategy again what it was. Set back
// earlier, while the template still differs, every node's pod would be replaced.
//
// The patch back undoes our own edits where they are still there, and leaves what others have changed meanwhile.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/outcome.h"
#include "protocol/json.h"

namespace launcher {

struct node_out {  // what an annotation says
    std::string node;
    std::string session;
    std::string by;
    std::string since;  // UTC
    std::string component, machine;  // whose launcher's, and which component of it
    protocol::json strategy;  // spec.updateStrategy before the first node was taken out
    // What the first one had to make: nothing ("terms": it was all there), or all from here on downwards.
    enum class made { terms, required, node_affinity, affinity } first_made = made::affinity;
    std::vector<std::string> others;  // nodes that were kept out already, by somebody else, before the first one
    std::string undo{};  // on that node: the file with the commands that undo it by hand
};

// "delvegate.io/out.NODE"; with a hash in place of a name that is too long for a key.
std::string annotation_of(const std::string& node);
// Every node that an annotation of ours names; what cannot be read is left out.
std::vector<node_out> nodes_out(const protocol::json& daemon_set);

struct out_state {
    std::optional<node_out> record;  // of the node's annotation
    bool annotated = false;          // there is one, be it readable or not
    bool kept_out = false;           // a term of the template does not want the node ...
    bool everywhere = false;         // ... and no other one does
    bool on_delete = false;          // the updateStrategy
    bool any() const { return annotated || kept_out; }
    bool whole() const { return record && everywhere && on_delete; }
};
out_state state_of_node(const protocol::json& daemon_set, const std::string& node);

// What the annotation is going to say. `who` has node, session, by, since, component and machine. Refused where the node is out already, or where the DaemonSet wants no node.
outcome<node_out> record_out(const protocol::json& daemon_set, const node_out& who);
outcome<protocol::json> patch_out(const protocol::json& daemon_set, const node_out& who);

struct patch_back_plan {
    protocol::json patch;              // empty list: there is nothing of ours
    bool last = false;                 // the updateStrategy is set back
    std::vector<std::string> remarks;  // what others have changed, and what stays therefore
};
// `remembered`: the record, should the annotation be gone.
patch_back_plan patch_back(const protocol::json& daemon_set, const std::string& node,
                           const std::optional<node_out>& remembered = std::nullopt);
// Only the annotation goes: root has decided that the rest stays as it is.
protocol::json patch_forget(const protocol::json& daemon_set, const std::string& node);

// A record as text, as it is in the annotation; and back.
std::string record_text(const node_out& record);
std::optional<node_out> read_record(const std::string& text);

}  // namespace launcher
