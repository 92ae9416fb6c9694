#include "launcher/system_tool.h"

#include <unistd.h>

#include "launcher/guarded_path.h"

namespace launcher {

system_tool find_system_tool(const std::string& name, const std::vector<std::string>& directories) {
    static const std::vector<std::string> usual{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/opt/bin"};
    for (const auto& directory : directories.empty() ? usual : directories) {
        const auto path = directory + "/" + name;
        if (::access(path.c_str(), X_OK) != 0) continue;
        const auto file = open_guarded(path);
        if (!file) return {{}, name + " is not run as root: " + file.error()};
        if (!file->unsafe.empty()) return {{}, name + " is not run as root: " + file->unsafe + "; " + file->mend};
        return {path, {}};  // by its own name, which tells some what they are
    }
    return {};
}

}  // namespace launcher
