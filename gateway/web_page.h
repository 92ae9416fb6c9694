// The web page, which the gateway serves beside its control API: the files of web/, in the binary.
#pragma once

#include <optional>
#include <string_view>

#include "gateway/http_api.h"

namespace gateway {

// `/` and what the page needs; nullopt: another path.
std::optional<http_answer> web_page(std::string_view path);

}  // namespace gateway
