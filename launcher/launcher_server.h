// The launcher's end of its socket: who asks is told by the kernel, every packet is read strictly, judged, logged, and
// handed to the component manager. No byte of an IDE comes this way but through a descriptor that is passed on unread.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "launcher/armory.h"
#include "launcher/component_manager.h"
#include "launcher/launcher_config.h"
#include "launcher/outcome.h"

namespace launcher {

// One line of the launcher's own log, before the verb is done and again when it is over.
struct verb_record {
    enum class phase { asked, done } when = phase::asked;
    std::uint64_t number = 0;  // the same for both
    uid_t uid = 0;
    pid_t pid = 0;
    launcher_request request;
    std::string outcome;  // of done: "ok", or the error's code and line; of asked: empty
};
// An error of `asked` stops a start or an arming, and nothing else.
using verb_log = std::function<outcome<void>(const verb_record&)>;

class launcher_server {
public:
    // All three outlive it. `log` is called from any thread, one call at a time.
    launcher_server(const launcher_config& configuration, component_manager& manager, armory& arms, verb_log log,
                    boot_clock clock = boot_clock::real());
    ~launcher_server();
    launcher_server(const launcher_server&) = delete;
    launcher_server& operator=(const launcher_server&) = delete;

    // The lock (one launcher for a state directory) and the socket: `inherited`, as by socket activation, or made: 0660 root:gateway's group,
    // in a directory that only root may change.
    outcome<void> open(int inherited = -1);
    // Serves until `stop` becomes readable; then takes nothing new and waits up to `grace` for verbs under way. What is
    // detached stays so. `alive` is called at least every 10 s.
    outcome<void> run(int stop, std::chrono::milliseconds grace, const std::function<void()>& alive = {});

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace launcher
