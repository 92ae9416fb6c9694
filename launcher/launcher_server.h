// The launcher's end of its socket: who asks is told by the kernel, every packet is read strictly, judged, logged, and
// handed to the component manager. No byte of an IDE comes this way but through a descriptor that is passed on unread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "launcher/armory.h"
#include "launcher/component_manager.h"
#include "launcher/launcher_config.h"
#include "launcher/launcher_log.h"
#include "launcher/outcome.h"

namespace launcher {

class launcher_server {
public:
    // All three outlive it. `log` is called from any thread, one call at a time.
    launcher_server(const launcher_config& configuration, component_manager& manager, armory& arms, verb_log log,
                    boot_clock clock = boot_clock::real());
    ~launcher_server();
    launcher_server(const launcher_server&) = delete;
    launcher_server& operator=(const launcher_server&) = delete;

    // The socket: `inherited`, as by socket activation, or made: 0660, of root and the gateway's group, in a directory that
    // only root may change. The caller holds the state's lock.
    outcome<void> open(int inherited = -1);
    // Recovers what was left, beside serving; serves until `stop` becomes readable; then takes nothing new and waits up to
    // `grace` for verbs under way. False: some are under way still, and the destructor would wait for them. What is detached
    // stays so. `alive` is called at least every 5 s, `say` gets lines for the journal, from any thread.
    bool run(int stop, std::chrono::milliseconds grace, const std::function<void()>& alive = {},
             const std::function<void(const std::string&)>& say = {});

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace launcher
