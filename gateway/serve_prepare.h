// What `serve` does to its own process, and which directories it makes, before anything else of it runs.
#pragma once

#include "gateway/config.h"
#include "launcher/outcome.h"

namespace gateway {

// No core files, as many descriptors as it may have, no death by SIGPIPE.
void prepare_process();

// The state and runtime directories, private; and where each component of kind exec has its own.
launcher::outcome<void> prepare_directories(config& configuration);

}  // namespace gateway
