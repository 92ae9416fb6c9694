// Which port of this laptop belongs to which component of which project, so that F5 in one folder does not meet the `connect` of
// another's. It is a help, not a promise: what cannot be read or written is as if there were none.
#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace gateway {

class project_ports {
public:
    // A directory, made when something is taken (0700): a file for each port, with folder and component in it.
    explicit project_ports(std::string directory) : directory_(std::move(directory)) {}

    // Those of folders other than this one that are still there.
    std::set<std::uint16_t> of_others(const std::string& folder) const;
    void take(const std::string& folder, const std::string& component, std::uint16_t port) const;
    // A component's, of all its IDEs: those that are still configured take it again when they are written.
    void leave(const std::string& folder, const std::string& component) const;

private:
    std::string directory_;
};

}  // namespace gateway
