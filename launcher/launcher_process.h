// `delvegate launcher`: the process around the server. Signals, systemd's notifications and watchdog, socket activation,
// restore at its start.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "launcher/component_manager.h"
#include "launcher/launcher_config.h"
#include "launcher/outcome.h"

namespace launcher {

using manager_factory =
    std::function<outcome<std::unique_ptr<component_manager>>(const launcher_config& configuration)>;

// Until SIGTERM or SIGINT. Blocks signals in the calling thread, which must be the only one. `say` gets lines for the journal.
outcome<void> run_launcher(const launcher_config& configuration, const manager_factory& make,
                           const std::function<void(const std::string&)>& say);

}  // namespace launcher
