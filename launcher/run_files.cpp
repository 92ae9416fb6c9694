#include "launcher/run_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace launcher {

namespace {

std::string errno_words() { return std::strerror(errno); }

outcome<std::string> failed(std::string words) {
    return outcome<std::string>(boost::system::in_place_error, std::move(words));
}

}  // namespace

outcome<std::string> make_socket_directory(const exec_spec& spec, const user_account& user) {
    std::string directory = spec.runtime_directory + "/dlv-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr)
        return failed("no directory for dlv's socket could be made in " + spec.runtime_directory +
                      ": " + errno_words() +
                      "; create it with mode 0700, or correct the runtime directory");
    if (!user.is_caller && ::chown(directory.c_str(), user.uid, user.gid) != 0) {
        auto words =
            failed(directory + " could not be given to user " + user.name + ": " + errno_words());
        ::rmdir(directory.c_str());
        return words;
    }
    return outcome<std::string>(boost::system::in_place_value, std::move(directory));
}

outcome<unique_fd> open_output(const std::string& path, const user_account& user) {
    if (path.empty() || path.front() != '/')
        return "the output file's path is not absolute: \"" + path + "\"";
    // Never through a link: root may be opening it in a place that others can write to.
    unique_fd fd(::open(
        path.c_str(),
        O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0)
        return "the output file " + path + " cannot be opened: " + errno_words() +
               "; create its directory, or correct its mode";
    if (!S_ISREG(info.st_mode) || info.st_nlink > 1)
        return "the output file " + path +
               " is not a plain file of its own: remove it, or name another";
    // Whoever runs the program may reopen /dev/stdout, and nobody else may read what it prints.
    const uid_t owner = user.is_caller ? info.st_uid : user.uid;
    if ((info.st_uid != owner && ::fchown(fd.get(), user.uid, user.gid) != 0) ||
        ((info.st_mode & 07777) != 0600 && ::fchmod(fd.get(), 0600) != 0))
        return "the output file " + path + " cannot be made private: " + errno_words() +
               "; remove it, or name another";
    return fd;
}

}  // namespace launcher
