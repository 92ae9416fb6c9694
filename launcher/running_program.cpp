#include "launcher/running_program.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "launcher/elf_file.h"
#include "launcher/go_buildinfo.h"
#include "launcher/guarded_path.h"
#include "launcher/kubernetes_stamp.h"

namespace launcher {

namespace {

std::string version_in(int fd, const std::string& name) {
    const auto elf = elf_file::of(fd, name);
    if (!elf) return {};
    const auto build = read_go_buildinfo(*elf);
    if (!build) return {};
    auto stamp = kubernetes_stamp(*elf, *build);
    // Of any other program a variable with a version may be anything's.
    return stamp.empty() && build->path.starts_with("k8s.io/kubernetes/") ? kubernetes_release_in_data(*elf) : stamp;
}

}  // namespace

outcome<unique_fd> open_program_of(pid_t process, const std::string& name) {
    const auto number = std::to_string(process);
    unique_fd file(::open(("/proc/" + number + "/exe").c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0)
        return "the program of process " + number + " cannot be read: " + std::strerror(errno);
    if (!S_ISREG(info.st_mode) || info.st_uid != 0 || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return name + " of process " + number + " can be written by others than root";
    return file;
}

std::string kubernetes_version_of(pid_t process) {
    const auto file = open_program_of(process, "the program");
    return file ? version_in(file->get(), "/proc/" + std::to_string(process) + "/exe") : std::string();
}

std::string kubernetes_version_of(const std::string& program) {
    const auto file = open_guarded(program);
    return file && file->unsafe.empty() ? version_in(file->fd.get(), file->path) : std::string();
}

}  // namespace launcher
