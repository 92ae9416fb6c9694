// `delvegate serve`: everything of a gateway, from its configuration to the last byte of its drain.
#pragma once

#include <string>
#include <vector>

#include "gateway/config.h"

namespace gateway {

// What the process ends with; documented in `delvegate serve --help` and docs/configuration.md.
enum class serve_exit : int {
    ok = 0,      // drained after SIGTERM or SIGINT
    failed = 1,  // this host would not let it, or a second signal cut the drain short
    usage = 2,   // the command line or the configuration makes no sense
};

// Runs until SIGTERM or SIGINT. Standard output gets one line when the gateway is ready and, where it
// made its own identities, what to type on the laptop; with `output` "json" it is one object,
// {"event":"ready","version","listen":[...],"identities":[DIRECTORY...]}. Errors go to standard error, one line each.
serve_exit run_serve(config configuration, const std::string& output = "text");

// A component name from a program's path: "./Kube_Scheduler" → "kube-scheduler".
std::string component_name_of(const std::string& program);

}  // namespace gateway
