// Whose a variable reference of a DAP window is: of which goroutine and frame. dlv counts references up, so what one response
// hands out is a range, and what is within it belongs to what was asked about.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "gateway/reference_marks.h"
#include "protocol/json.h"

namespace gateway {

struct reference_owner {
    std::int64_t goroutine = 0;  // 0: the selected one
    std::int64_t frame = 0;
};

class reference_owners {
public:
    // What the response to that request has handed out, which the marks have seen whole; before their end_of_message().
    void learn(std::string_view command, const protocol::json& arguments, const reference_marks& seen);
    void forget() { frames_.clear(), variables_.clear(); }

    // Nothing where it was never handed out.
    std::optional<reference_owner> of_frame(std::int64_t id) const;
    std::optional<reference_owner> of_variable(std::int64_t reference) const;

private:
    struct stack {
        std::int64_t goroutine = 0;
        std::int64_t first_id = 0;
        std::int64_t first_frame = 0;
    };
    std::map<std::int64_t, stack> frames_;                              // by their highest id
    std::map<std::int64_t, std::optional<reference_owner>> variables_;  // by their highest reference
};

}  // namespace gateway
