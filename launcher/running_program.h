// The program file of a process that runs, and the Kubernetes version in it. Nothing is executed.
#pragma once

#include <sys/types.h>

#include <string>

#include "launcher/fd.h"
#include "launcher/outcome.h"

namespace launcher {

// The file that the process runs, whatever is at its path by now. Only root's is opened: it goes through a large parser.
// `name` is for the error's words.
outcome<unique_fd> open_program_of(pid_t process, const std::string& name);

// "v1.34.1" of what it runs, also where it was stripped; empty: it does not tell.
std::string kubernetes_version_of(pid_t process);
// The same of a program that does not run, at a path where only root could have put it.
std::string kubernetes_version_of(const std::string& program);

}  // namespace launcher
