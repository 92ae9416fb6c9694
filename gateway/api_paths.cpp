#include "gateway/api_paths.h"

#include <algorithm>

namespace gateway {
namespace {

constexpr api_path paths[] = {
    {"/", "GET"},
    {"/page.css", "GET"},
    {"/page.js", "GET"},
    {"/v1/components", "GET"},
    {"/v1/components/{name}", "GET"},
    {"/v1/components/{name}/baton", "GET, POST"},
    {"/v1/components/{name}/park", "GET, POST"},
    {"/v1/components/{name}/pin", "GET, POST"},
    {"/v1/components/{name}/plan", "GET"},
    {"/v1/components/{name}/restore", "POST"},
    {"/v1/components/{name}/start", "POST"},
    {"/v1/components/{name}/stop", "POST"},
    {"/v1/components/{name}/unpark", "POST"},
    {"/v1/components/{name}/unpin", "POST"},
    {"/v1/events", "GET"},
    {"/v1/metrics", "GET"},
    {"/v1/openapi.json", "GET"},
    {"/v1/renew", "POST"},
    {"/v1/sessions", "GET"},
    {"/v1/sessions/follow", "GET"},
    {"/v1/sessions/{session}/kill", "POST"},
    {"/v1/status", "GET"},
};

std::string_view next_part(std::string_view& path) {
    const auto end = std::min(path.find('/'), path.size());
    const auto part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    return part;
}

bool fits(std::string_view pattern, std::string_view path) {
    if (std::count(pattern.begin(), pattern.end(), '/') != std::count(path.begin(), path.end(), '/')) return false;
    while (!pattern.empty()) {
        const auto wanted = next_part(pattern), given = next_part(path);
        if (wanted.starts_with('{') ? given.empty() : wanted != given) return false;
    }
    return path.empty();
}

}  // namespace

bool api_path::allows(std::string_view method) const {
    for (auto left = methods; !left.empty();) {
        const auto end = std::min(left.find(", "), left.size());
        if (left.substr(0, end) == method) return true;
        left.remove_prefix(std::min(end + 2, left.size()));
    }
    return false;
}

std::span<const api_path> api_paths() { return paths; }

const api_path* find_api_path(std::string_view path) {
    const auto found = std::ranges::find_if(paths, [path](const api_path& one) { return fits(one.path, path); });
    return found == std::end(paths) ? nullptr : &*found;
}

}  // namespace gateway
