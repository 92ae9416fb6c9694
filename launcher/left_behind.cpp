#include "launcher/left_behind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "launcher/fd.h"
#include "launcher/moment.h"
#include "storage/trusted_file.h"

namespace launcher {

namespace {

constexpr std::size_t largest = 256;

std::string path_of(const std::string& directory, const std::string& component) {
    return directory + "/left-behind/" + component;
}

}  // namespace

outcome<void> keep_left_behind(const std::string& state_directory, const std::string& component, const process_mark& process) {
    const auto path = path_of(state_directory, component), fresh = path + ".new";
    const auto text = now().boot_id + " " + std::to_string(process.pid) + " " + std::to_string(process.started) + "\n";
    ::mkdir((state_directory + "/left-behind").c_str(), 0700);
    const unique_fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd.get()) == 0 &&
        ::rename(fresh.c_str(), path.c_str()) == 0)
        return {};
    return path + " cannot be written: " + std::strerror(errno);
}

std::optional<process_mark> left_behind(const std::string& state_directory, const std::string& component) {
    const auto path = path_of(state_directory, component);
    if (::access(path.c_str(), F_OK) != 0) return std::nullopt;
    const auto text = storage::read_root_file(path, largest);
    if (!text) return std::nullopt;
    std::istringstream words(*text);
    std::string boot;
    process_mark process;
    words >> boot >> process.pid >> process.started;
    if (words && boot == now().boot_id && still_running(process)) return process;
    ::unlink(path.c_str());
    return std::nullopt;
}

std::string left_behind_text(const process_mark& process) {
    return "a dlv ended without letting go of process " + std::to_string(process.pid) +
           ": breakpoints that were set may still be in it, and it dies at the first it comes to. Restart it";
}

}  // namespace launcher
