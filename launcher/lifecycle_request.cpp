#include "launcher/lifecycle_request.h"

#include <array>

namespace launcher {
namespace {

struct row {
    force one;
    std::string_view name;
    std::string_view explanation;
};
constexpr std::array<row, 3> rows{{
    {force::other_minor, "other-minor", "run a debug binary of another Kubernetes minor version: it may write what the original cannot read"},
    {force::two_leaders, "two-leaders", "switch leader election off although another instance may be active: duplicate actions in the cluster"},
    {force::not_together, "not-together", "take it out beside something it should not be out with: neither may come back by itself"},
}};

}  // namespace

const std::vector<force>& all_forces() {
    static const std::vector<force> all = [] {
        std::vector<force> out;
        for (const auto& one : rows) out.push_back(one.one);
        return out;
    }();
    return all;
}

std::string_view to_string(force one) {
    for (const auto& each : rows)
        if (each.one == one) return each.name;
    return "unknown";
}

std::string_view explanation(force one) {
    for (const auto& each : rows)
        if (each.one == one) return each.explanation;
    return "";
}

std::optional<force> force_named(std::string_view text) {
    for (const auto& each : rows)
        if (each.name == text) return each.one;
    return std::nullopt;
}

}  // namespace launcher
