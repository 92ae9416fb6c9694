// A headless dlv that somebody else started, looked at before a byte is sent to it.
#pragma once

#include <sys/types.h>

#include <string>

#include "launcher/dlv_address.h"
#include "launcher/outcome.h"

namespace launcher {

struct foreign_dlv {
    pid_t pid = 0;
    std::string command_line;
};

// Who listens at `address` (by /proc): a dlv, by its command line, in headless mode with
// --accept-multiclient (asking one without it kills its debuggee), running exec, attach, debug or
// test, and accepting connections of our user. The error says which of these does not hold, or that
// it cannot be found out; the address was not connected to in any case.
//
// Its process must be `user`'s, a system user's name; empty: the caller's own. Anybody can listen at an address
// that is free and call it dlv.
outcome<foreign_dlv> check_foreign(const dlv_address& address, const std::string& user = {});

}  // namespace launcher
