// Which dlv this is, and what it can do.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "launcher/outcome.h"

namespace launcher {

struct dlv_version {
    int major = 0, minor = 0, patch = 0;
    auto operator<=>(const dlv_version&) const = default;
};
std::string to_string(const dlv_version& version);

// The first release that listens on a Unix socket.
constexpr dlv_version first_with_unix_sockets{1, 22, 1};

// `Version: 1.20.2` among what `dlv version` prints.
outcome<dlv_version> parse_version(std::string_view output);

// The absolute path of dlv: itself if it contains a slash, else looked up in PATH. The error says
// where it was looked for and how to install it.
outcome<std::string> find_dlv(const std::string& dlv);

// Runs `dlv version` (the answer is remembered until the file changes); the error names the path
// and what to install. Waits for dlv, 10 s at most.
outcome<dlv_version> version_of(const std::string& dlv);

}  // namespace launcher
