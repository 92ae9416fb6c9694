// A verdict as VERDICT says it (docs/protocol.md).
#pragma once

#include "gateway/directory.h"
#include "protocol/json.h"

namespace gateway {

protocol::json to_json(const verdict& said);
// What a gateway says is shown to people: printable, whatever it was. A refusal has a reason in any case.
verdict read_verdict(const protocol::json& body);

}  // namespace gateway
