// dlv and its debuggee as a service of their own, and the guard as another: neither notices when the launcher or the gateway
// ends, and each is found again by its unit's name.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "launcher/debug_binary.h"
#include "launcher/dlv_address.h"
#include "launcher/guard_control.h"
#include "launcher/launcher_config.h"
#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "launcher/process_mark.h"
#include "launcher/service_host.h"

namespace launcher {

// Where one session's things are. Root's directories but for `debuggee`, which is the debuggee's user's.
struct session_files {
    std::string directory;  // RUNTIME/sessions/NAME
    std::string debuggee;   // dlv's socket, the guard's state: 0700, the debuggee's uid
    std::string dlv_socket;
    std::string control;    // the guard's sockets
    std::string gateway;
    std::string output;     // dlv's and the debuggee's
};
// A fresh dlv socket's name: its directory is new for each session. Pure.
session_files files_of(const launcher_config& configuration, const std::string& name, const std::string& session);

std::string debuggee_unit_of(const std::string& name);  // "delvegate-debuggee-NAME.service"
std::string guard_unit_of(const std::string& name);

// Whether a variable of that name steers a program that has not yet become the component's user.
bool steers_the_loader(const std::string& variable);

// Makes the directories and the output file, of that user.
outcome<void> make_session_files(const session_files& files, const process_plan& process);
void remove_session_files(const session_files& files);

struct launched {
    dlv_address address;
    process_mark dlv;
};

// Starts dlv with the debuggee stopped at its entry. On an error nothing of it is left. `patience`: until it says where it
// listens.
outcome<launched> launch_debuggee(service_host& host, const component_plan& plan, const session_files& files,
                                  std::chrono::milliseconds patience = std::chrono::seconds(60));

// dlv's child that runs the binary; pid 0: none. The error: it runs, but not the file that was checked.
outcome<process_mark> find_debuggee(service_host& host, const std::string& unit, const process_mark& dlv,
                                    const file_identity& checked);

// Starts a guard in the path and waits until it answers, which takes as long as dlv reads its debug information. `dlv` is
// where dlv listens.
outcome<process_mark> start_guard(service_host& host, const component_plan& plan, const session_files& files,
                                  const dlv_address& dlv, protocol::class_set ceiling,
                                  std::chrono::milliseconds patience = std::chrono::seconds(60));

// SIGTERM to the debuggee and, after its grace, whatever it takes; then dlv and the rest of the unit. Fine when there is
// nothing. Afterwards nothing of it runs, or the error says what does.
outcome<void> end_debuggee_unit(service_host& host, const std::string& unit, const process_mark& debuggee,
                                std::chrono::milliseconds grace);

}  // namespace launcher
