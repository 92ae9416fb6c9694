// What is wrong with a program that dlv is asked to run, told before dlv is started, because dlv's
// own words for it ("not an executable file") do not say what to do.
#pragma once

#include <string>

#include "launcher/outcome.h"

namespace launcher {

// Fine, or why `path` cannot be run under dlv: missing, a directory, a script, not ELF, of another
// architecture, without an x bit, not absolute. Says nothing of what only dlv can know (debug
// information, Go version).
outcome<void> check_program(const std::string& path);

// The part of it that reads the file: an ELF program for this machine. `fd`'s offset is left alone.
outcome<void> check_elf(const std::string& path, int fd);

// Fine, or why a program cannot be started in this directory.
outcome<void> check_directory(const std::string& path);

}  // namespace launcher
