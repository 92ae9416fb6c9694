#include "gateway/reference_owners.h"

namespace gateway {

void reference_owners::learn(std::string_view command, const protocol::json& arguments, const reference_marks& seen) {
    if (command == "stackTrace" && seen.first_frame() > 0)
        frames_[seen.frames()] = {arguments.get_int("threadId"), seen.first_frame(), arguments.get_int("startFrame")};
    const auto before = variables_.empty() ? 0 : variables_.rbegin()->first;
    if (seen.variables() <= before) return;
    auto& whose = variables_[seen.variables()];
    if (command == "variables")
        whose = of_variable(arguments.get_int("variablesReference"));
    else if (const auto frame = arguments.get_int("frameId"); frame > 0)
        whose = of_frame(frame);
    else
        whose = reference_owner{};
}

std::optional<reference_owner> reference_owners::of_frame(std::int64_t id) const {
    const auto at = frames_.lower_bound(id);
    if (at == frames_.end() || id < at->second.first_id) return std::nullopt;
    return reference_owner{at->second.goroutine, at->second.first_frame + id - at->second.first_id};
}

std::optional<reference_owner> reference_owners::of_variable(std::int64_t reference) const {
    const auto at = variables_.lower_bound(reference);
    return reference <= 0 || at == variables_.end() ? std::nullopt : at->second;
}

}  // namespace gateway
