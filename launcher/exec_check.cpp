#include "launcher/exec_check.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "launcher/fd.h"

namespace launcher {

namespace {

#if defined(__x86_64__)
constexpr Elf64_Half host_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half host_machine = EM_AARCH64;
#elif defined(__powerpc64__)
constexpr Elf64_Half host_machine = EM_PPC64;
#elif defined(__riscv)
constexpr Elf64_Half host_machine = EM_RISCV;
#elif defined(__i386__)
constexpr Elf64_Half host_machine = EM_386;
#else
constexpr Elf64_Half host_machine = EM_NONE;  // not checked
#endif

std::string machine_name(unsigned machine) {
    switch (machine) {
        case EM_X86_64:
            return "amd64";
        case EM_AARCH64:
            return "arm64";
        case EM_386:
            return "386";
        case EM_ARM:
            return "arm";
        case EM_PPC64:
            return "ppc64le";
        case EM_RISCV:
            return "riscv64";
        case EM_S390:
            return "s390x";
        case 258:
            return "loong64";
        default:
            return "ELF machine " + std::to_string(machine);
    }
}

}  // namespace

outcome<void> check_elf(const std::string& path, int fd) {
    Elf64_Ehdr header{};
    const auto n = ::pread(fd, &header, sizeof header, 0);
    const auto* bytes = reinterpret_cast<const char*>(&header);
    if (n >= 2 && bytes[0] == '#' && bytes[1] == '!')
        return path + " is a script, not a Go program: name the program that it starts";
    if (n >= 4 && (std::memcmp(bytes, "\xcf\xfa\xed\xfe", 4) == 0 ||
                   std::memcmp(bytes, "\xca\xfe\xba\xbe", 4) == 0))
        return path + " is a macOS program: build it with GOOS=linux";
    if (n >= 2 && std::memcmp(bytes, "MZ", 2) == 0)
        return path + " is a Windows program: build it with GOOS=linux";
    if (n < static_cast<ssize_t>(EI_NIDENT + 4) ||
        std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return path +
               " is not an executable program (no ELF header): name the file that `go build -o` "
               "wrote";
    if (host_machine != EM_NONE && header.e_machine != host_machine)
        return path + " is built for " + machine_name(header.e_machine) + ", but this machine is " +
               machine_name(host_machine) + ": build it with GOARCH=" + machine_name(host_machine);
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
        return path +
               " is an ELF file but not a program (an object or core file?): name the file that "
               "`go build -o` wrote";
    return {};
}

outcome<void> check_program(const std::string& path) {
    if (path.empty())
        return std::string("no program is named: give the absolute path of a Go binary");
    if (path.front() != '/') return path + " is not an absolute path: give the program's full path";
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return "there is no file " + path + ": build the program, or correct its path";
        return path + " cannot be looked at: " + std::strerror(errno) +
               "; make its directories searchable for the user who runs it";
    }
    if (S_ISDIR(info.st_mode)) return path + " is a directory: name the program in it";
    if (!S_ISREG(info.st_mode))
        return path + " is not a regular file: name the file that `go build -o` wrote";
    if (info.st_size == 0) return path + " is empty: build the program again";
    // access() would ask for the caller, but the program may run as another user.
    if ((info.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        return path + " is not executable: type `chmod +x " + path + "`";
    const unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) {
        // An execute-only file may still run; dlv, which must read it, will say.
        return path + " cannot be read: " + std::strerror(errno) +
               "; dlv needs to read the program it debugs, correct its mode";
    }
    return check_elf(path, fd.get());
}

outcome<void> check_directory(const std::string& path) {
    if (path.empty() || path.front() != '/')
        return path + " is not an absolute path: give the working directory in full";
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return "there is no directory " + path +
                   ": create it, or correct the component's workingDirectory";
        return "working directory " + path + " cannot be looked at: " + std::strerror(errno);
    }
    if (!S_ISDIR(info.st_mode))
        return "working directory " + path +
               " is not a directory: correct the component's workingDirectory";
    return {};
}

}  // namespace launcher
