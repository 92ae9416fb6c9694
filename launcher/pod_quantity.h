// Kubernetes' quantities ("100m", "1.5Gi", "1e3"), as resourceFieldRef reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace launcher {

// In thousandths, rounded up; none for what is no quantity, is negative, or is beyond 2^64.
std::optional<std::uint64_t> quantity_milli(std::string_view text);
std::optional<std::uint64_t> quantity_whole(std::string_view text);  // rounded up

}  // namespace launcher
