// `delvegate connect`: the laptop's end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "auth/tls.h"
#include "gateway/background_connect.h"
#include "gateway/via.h"
#include "protocol/local_sources.h"

namespace gateway {

// What the process ends with; documented in docs/connect.md and `delvegate connect --help`.
enum class connect_exit : int {
    ok = 0,
    failed = 1,          // something on this host: the port is taken, ...
    usage = 2,           // the command line makes no sense
    not_authorized = 3,  // the gateway knows us, and we may not debug this component
    no_component = 4,    // the gateway has no component of that name
    unreachable = 5,     // no way to the gateway, or no answer
    certificate = 6,     // the gateway's or our own certificate is missing, expired, not trusted
    unavailable = 7,     // the component is there, and cannot be debugged now
};

struct connect_options {
    std::string component;  // empty: list them
    std::string host;
    std::uint16_t port = 7443;
    std::string server_name;
    via_way via{};
    auth::tls_files files;
    std::vector<std::string> given{};  // which gateway and whose identity, as words of another command line
    std::string context;  // whose certificate this is and is kept fresh; empty: not from a context
    protocol::client_paths paths{};  // of the sources on this host
    std::string stop;            // the name of one to be told of; empty: none
    std::string listen = "127.0.0.1:2345";
    bool any_interface = false;  // the listen address may be other than loopback
    bool quiet = false;          // errors only
    bool json = false;
    background_self* background = nullptr;  // in the background: who is told when the port is ready
    std::chrono::milliseconds idle{0};      // there: ends after so long without an IDE; 0: never
};

// Runs until SIGINT or SIGTERM, or until the list is printed. What there is to say goes to standard
// output, what went wrong to standard error, in lines.
connect_exit run_connect(const connect_options& options);

}  // namespace gateway
