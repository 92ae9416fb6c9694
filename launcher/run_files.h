// What one run of dlv has in the file system: its output file and its socket's directory.
#pragma once

#include <string>

#include "launcher/exec_spec.h"
#include "launcher/fd.h"
#include "launcher/outcome.h"
#include "launcher/users.h"

namespace launcher {

// A fresh 0700 directory below the runtime directory, of the user who will bind the socket in it.
outcome<std::string> make_socket_directory(const exec_spec& spec, const user_account& user);

// The output file for appending, created if need be, 0600 and of the user who runs the program.
outcome<unique_fd> open_output(const std::string& path, const user_account& user);

}  // namespace launcher
