// From what to run to dlv's argv and environment. Pure but for base_environment(), which reads
// ours.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "launcher/exec_spec.h"
#include "launcher/outcome.h"
#include "launcher/users.h"

namespace launcher {

// Fine, or why the spec cannot be passed to exec(): NUL in a string, `=` or nothing as a variable's
// name.
outcome<void> check_strings(const exec_spec& spec);

// `listen` as dlv takes it: "127.0.0.1:0" or "unix:PATH". `directory` is where the program starts.
// No payload logging is ever asked for: it would put the debuggee's secrets into a file.
std::vector<std::string> command_line(const exec_spec& spec, const std::string& dlv,
                                      const std::string& listen, const std::string& directory);

// `binary` empty: dlv finds the running program's file itself. With `go_on` the process stands only while dlv reads its
// debug information.
std::vector<std::string> attach_command_line(const std::string& dlv, const std::string& listen, pid_t pid,
                                             const std::string& binary, bool go_on);
std::vector<std::string> core_command_line(const std::string& dlv, const std::string& listen, const std::string& binary,
                                           const std::string& core);

// What a program may know of us: PATH, locale, time zone, temporary directory, who it is and where
// its home is. Everything else in our environment stays ours (keys, tokens, systemd's sockets).
// GO_TELEMETRY_CHILD=2 keeps a dlv built with Go 1.23 or later from forking its telemetry sidecar.
std::vector<std::string> base_environment(const user_account& account);

// The base with the spec's variables over it; of one name the last wins.
std::vector<std::string> environment(const exec_spec& spec, const user_account& account);

// `strings` as execve wants them, NULL at the end; valid as long as `strings` is.
std::vector<char*> c_strings(const std::vector<std::string>& strings);

}  // namespace launcher
