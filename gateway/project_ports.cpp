#include "gateway/project_ports.h"

#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "gateway/state_directory.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;

struct owner {
    std::string folder, component;
};

// Folder, NUL, component: neither has one.
std::optional<owner> owner_in(const std::string& file) {
    const auto text = read_file(file);
    const auto end = text ? text->find('\0') : std::string::npos;
    if (end == std::string::npos) return std::nullopt;
    return owner{text->substr(0, end), text->substr(end + 1)};
}

template <class F>
void each_port(const std::string& directory, const F& told) {
    std::error_code ec;
    for (fs::directory_iterator at(directory, ec), end; !ec && at != end; at.increment(ec)) {
        const auto name = at->path().filename().string();
        std::uint16_t port = 0;
        const auto [stop, fault] = std::from_chars(name.data(), name.data() + name.size(), port);
        if (fault != std::errc() || stop != name.data() + name.size()) continue;
        if (const auto whose = owner_in(at->path().string())) told(port, *whose);
    }
}

}  // namespace

std::set<std::uint16_t> project_ports::of_others(const std::string& folder) const {
    std::set<std::uint16_t> out;
    std::error_code ec;
    each_port(directory_, [&](std::uint16_t port, const owner& whose) {
        if (whose.folder != folder && fs::is_directory(whose.folder, ec)) out.insert(port);
    });
    return out;
}

void project_ports::take(const std::string& folder, const std::string& component, std::uint16_t port) const {
    leave(folder, component);
    std::error_code ec;
    fs::create_directories(directory_, ec);
    fs::permissions(directory_, fs::perms::owner_all, ec);
    [[maybe_unused]] const auto ignored = write_file(directory_ + "/" + std::to_string(port), folder + '\0' + component, 0600);
}

void project_ports::leave(const std::string& folder, const std::string& component) const {
    std::vector<std::uint16_t> mine;
    each_port(directory_, [&](std::uint16_t port, const owner& whose) {
        if (whose.folder == folder && whose.component == component) mine.push_back(port);
    });
    std::error_code ec;
    for (const auto port : mine) fs::remove(directory_ + "/" + std::to_string(port), ec);
}

}  // namespace gateway
