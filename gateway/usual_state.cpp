#include "gateway/usual_state.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

namespace gateway {
namespace {

constexpr std::string_view roots_configuration = "/etc/delvegate/gateway.yaml";

bool there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// Also one that this user may not look into.
bool has_ca(const std::string& state) { return there(state + "/ca"); }
bool is_used(const std::string& state) { return has_ca(state) || there(state + "/audit"); }

bool is_ours(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && info.st_uid == ::geteuid();
}

launcher::outcome<usual_state> by_configuration(const std::string& file, bool of_root) {
    auto read = read_config(file);
    if (!read) return read.error() + "; that file says where the gateway's state is: correct it, or say on the command line where";
    usual_state out;
    out.configuration = file;
    out.directory = read->state_directory;
    // The default is of whom the service runs as, which by this file nobody can tell; the shipped unit has it below root's.
    if (of_root && out.directory == default_state_directory()) out.directory = node_state_directory;
    if (const std::string below = out.directory + "/gateway"; !is_used(out.directory) && is_used(below)) out.directory = below;
    out.client_ca = read->client_ca;
    out.audit = read->audit;
    return out;
}

}  // namespace

launcher::outcome<usual_state> find_usual_state() {
    const std::string file = default_config_file();
    if (there(file)) return by_configuration(file, ::geteuid() == 0);
    if (const std::string roots(roots_configuration); ::geteuid() != 0 && there(roots))
        if (auto of_service = by_configuration(roots, true); of_service && is_ours(of_service->directory)) return of_service;
    usual_state out;
    out.directory = exec_state_directory();
    const std::string node = default_state_directory();
    if (node == out.directory || !has_ca(node)) return out;
    if (has_ca(out.directory))
        return "there is a CA in " + node + " and one in " + out.directory + ", and no " + file + " says which is meant: say it on the command line";
    out.directory = node;
    return out;
}

}  // namespace gateway
