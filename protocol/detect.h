// Which protocol a debug stream speaks, from its first byte: Delve's own rule
// (service/rpccommon/server.go, serveConnectionDemux), minus what it would take for JSON by default.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/error.h"

namespace protocol {

enum class dialect { rpc, dap };

// nullopt: only white space so far (legal before a JSON-RPC request), ask again with more.
// errc::unknown_protocol: neither 'C' nor '{'. `skip` gets the count of leading white space bytes.
result<std::optional<dialect>> detect(std::string_view first_bytes, std::size_t& skip);

}  // namespace protocol
