// The bytes of the web page; web/build.mjs makes the definition.
#pragma once

#include <array>
#include <string_view>

namespace gateway {

struct web_file {
    std::string_view path;  // "/page.js"
    std::string_view type;  // of the media
    std::string_view bytes;
};

extern const std::array<web_file, 3> web_files;

}  // namespace gateway
