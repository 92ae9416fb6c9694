#include "launcher/guard.h"

#include <csignal>

#include "launcher/guard_log.h"
#include "launcher/guard_loop.h"
#include "launcher/guard_memory.h"
#include "launcher/guard_sandbox.h"

namespace launcher {

int run_guard(const guard_settings& settings) {
    guard_log log(settings.log_fd, settings.component);
    ::signal(SIGPIPE, SIG_IGN);
    auto memory = guard_memory::open(settings.state_file);
    if (!memory) {
        log.say(memory.error());
        return 1;
    }
    if (settings.confine) {
        const auto confined = confine_guard(settings.state_file.substr(0, settings.state_file.rfind('/')));
        log.say(confined ? "confined: " + *confined : confined.error());
        if (!confined) return 1;
    }
    return guard_loop(settings, std::move(*memory)).run();
}

}  // namespace launcher
