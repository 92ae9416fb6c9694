#include "gateway/web_page.h"

#include "gateway/web_files.h"

namespace gateway {

std::optional<http_answer> web_page(std::string_view path) {
    for (const auto& one : web_files)
        if (one.path == path) return http_answer{200, std::string(one.bytes), {}, std::string(one.type)};
    return std::nullopt;
}

}  // namespace gateway
