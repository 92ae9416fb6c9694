// The paths in what a viewer asks for, as the node knows them.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/json.h"
#include "protocol/path_map.h"

namespace protocol {

// Changes the arguments of a request; true: something has changed, and what was judged is to be judged again. The
// keys must be the canonical ones, as judge() leaves them. `method`: "RPCServer.FindLocation".
bool rpc_paths_to_server(std::string_view method, json& arguments, const path_map& map);
// `operation`: as judged, "evaluate dlv sources". The file of setBreakpoints is the view's own business.
bool dap_paths_to_server(std::string_view operation, json& arguments, const path_map& map);

// The same request about the other of Kubernetes' two names of the file, where it has two.
struct aliased_request {
    json arguments;
    std::string was, is;  // the file's names
};
std::optional<aliased_request> rpc_alias(std::string_view method, const json& arguments);

}  // namespace protocol
