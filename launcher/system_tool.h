// A program of the node's own (crictl, iptables) that is run as root to be asked something: found where such programs are, and
// run only when nobody but root can change it.
#pragma once

#include <string>
#include <vector>

namespace launcher {

struct system_tool {
    std::string path;     // empty: there is none that may be run
    std::string trouble;  // not empty: there is one, and why it is not run
};

// The first of that name that can be executed. `directories` end without a slash; none: the usual ones.
system_tool find_system_tool(const std::string& name, const std::vector<std::string>& directories = {});

}  // namespace launcher
