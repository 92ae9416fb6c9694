// How far a stream came before its link broke, as RESUME and RESUMED say it (docs/protocol.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json.h"

namespace gateway {

struct stream_place {
    std::uint32_t stream = 0;
    std::uint64_t received = 0;        // bytes that came from the other end
    bool ended = false;                // and its END
    bool undecided = false;            // RESUME: its VERDICT has not come
    std::optional<std::string> reset;  // the stream was reset, and why; nothing else counts then
};

protocol::json to_json(const std::vector<stream_place>& places);
// Nothing: not such a list, or a stream number in it that cannot be, or twice.
std::optional<std::vector<stream_place>> read_places(const protocol::json* list);

// A reason for the wire, or one from it: short, printable, and still UTF-8 where it was cut.
std::string short_reason(std::string_view text);

}  // namespace gateway
