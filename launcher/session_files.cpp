// A session's directories, sockets and output file.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "launcher/debuggee_unit.h"

namespace launcher {

namespace {

namespace fs = std::filesystem;

std::string words(const std::string& what) { return what + ": " + std::strerror(errno); }

outcome<void> make_directory(const std::string& path, mode_t mode, uid_t uid, gid_t gid) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return words(path + " could not be made");
    const unique_fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd || ::fchown(fd.get(), uid, gid) != 0 || ::fchmod(fd.get(), mode) != 0)
        return words(path + " could not be given its owner and mode");
    return {};
}

}  // namespace

session_files files_of(const launcher_config& configuration, const std::string& name, const std::string& session) {
    session_files files;
    files.directory = configuration.runtime_directory + "/" + name;
    // dlv's socket has a name that nobody else knew before: a part of the session's random id.
    files.debuggee = files.directory + "/" + session.substr(0, 12);
    files.dlv_socket = files.debuggee + "/dlv.sock";
    files.control = files.directory + "/control.sock";
    files.gateway = files.directory + "/gateway.sock";
    files.output = configuration.state_directory + "/output/" + name + ".log";
    return files;
}

std::string debuggee_unit_of(const std::string& name) { return "delvegate-debuggee-" + name + ".service"; }
std::string guard_unit_of(const std::string& name) { return "delvegate-guard-" + name + ".service"; }

outcome<void> make_session_files(const session_files& files, const process_plan& process) {
    const auto runtime = fs::path(files.directory).parent_path();
    const auto logs = fs::path(files.output).parent_path();
    std::error_code error;
    fs::create_directories(runtime.parent_path(), error);
    fs::create_directories(logs.parent_path(), error);
    // Passed through by the debuggee's user, not looked into.
    if (auto fine = make_directory(runtime, 0711, 0, 0); !fine) return fine;
    if (auto fine = make_directory(files.directory, 0711, 0, 0); !fine) return fine;
    if (auto fine = make_directory(files.debuggee, 0700, process.uid, process.gid); !fine) return fine;
    if (auto fine = make_directory(logs, 0711, 0, 0); !fine) return fine;
    const unique_fd output(::open(files.output.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!output || ::fchown(output.get(), process.uid, process.gid) != 0)
        return words(files.output + " could not be made");
    return {};
}

void remove_session_files(const session_files& files) {
    std::error_code error;
    fs::remove_all(files.directory, error);
}

}  // namespace launcher
