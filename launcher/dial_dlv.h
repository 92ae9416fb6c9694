// A non-blocking connection to dlv.
#pragma once

#include "launcher/dlv_address.h"
#include "launcher/fd.h"
#include "launcher/outcome.h"

namespace launcher {

// The socket may still be connecting (TCP): it is writable when it stands, and dial_error() tells how it went.
outcome<unique_fd> dial_dlv(const dlv_address& address);
// 0, or the errno of a connection that has failed.
int dial_error(int socket);

}  // namespace launcher
