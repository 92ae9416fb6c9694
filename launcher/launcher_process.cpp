#include "launcher/launcher_process.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "launcher/armory.h"
#include "launcher/launcher_log.h"
#include "launcher/launcher_server.h"
#include "launcher/state_lock.h"

namespace launcher {
namespace {

// Below TimeoutStopSec= of the unit. A verb that takes longer is cut off, and what it left is recovered at the next start.
constexpr std::chrono::seconds grace{80};

outcome<void> failed(std::string why) { return outcome<void>(boost::system::in_place_error, std::move(why)); }

// SIGTERM and SIGINT as a descriptor; blocked before the first thread, so that every thread has them blocked.
outcome<unique_fd> ending_signals() {
    sigset_t ends;
    ::sigemptyset(&ends);
    ::sigaddset(&ends, SIGTERM);
    ::sigaddset(&ends, SIGINT);
    sigset_t blocked = ends;
    // A reader that went away is an error of its write; the configuration is read at the start only.
    ::sigaddset(&blocked, SIGPIPE);
    ::sigaddset(&blocked, SIGHUP);
    if (::pthread_sigmask(SIG_BLOCK, &blocked, nullptr) != 0) return "signals cannot be blocked";
    unique_fd fd(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) return "no signalfd: " + std::generic_category().message(errno);
    return fd;
}

}  // namespace

outcome<void> run_launcher(const launcher_config& configuration, const manager_factory& make,
                           const std::function<void(const std::string&)>& say) {
    const auto signals = ending_signals();
    if (!signals) return failed(signals.error());
    const int passed = ::sd_listen_fds(1);
    if (passed > 1) return failed("the socket unit passes " + std::to_string(passed) + " sockets; it needs one ListenSequentialPacket=");

    const auto ending = [&] {
        ::sd_notify(0, "EXTEND_TIMEOUT_USEC=30000000");
        pollfd signal{signals->get(), POLLIN, 0};
        return ::poll(&signal, 1, 0) == 1;
    };
    const auto lock = wait_for_state_lock(configuration.state_directory, ending, say);
    if (!lock) return failed(lock.error());
    auto log = open_verb_log(configuration.log_file);
    if (!log) {
        // Nothing is taken out without a log; what is out is brought back all the same.
        const auto why = log.error();
        say("warning: " + why + "; nothing can be started or armed until it can be written");
        log = verb_log([why](const asked_verb&) { return outcome<void>(failed(why)); });
    }
    armory arms(configuration.state_directory, boot_clock::real());
    if (!arms.warning().empty()) say("warning: " + arms.warning());
    auto manager = make(configuration);
    if (!manager) return failed(manager.error());

    launcher_server server(configuration, **manager, arms, std::move(*log));
    if (const auto open = server.open(passed == 1 ? SD_LISTEN_FDS_START : -1); !open) return failed(open.error());
    if (gateway_uids_of(configuration).empty())
        say("warning: there is no user " + configuration.gateway_user + " and no gatewayUIDs: only root can ask the launcher");
    say("listening at " + configuration.socket + " for " + std::to_string(configuration.components.size()) + " components");
    ::sd_notifyf(0, "READY=1\nSTATUS=%zu components", configuration.components.size());

    const bool idle = server.run(signals->get(), grace, [] { ::sd_notify(0, "WATCHDOG=1"); }, say);
    ::sd_notify(0, "STOPPING=1");
    if (!idle) {
        say("a verb is still under way and is cut off; the next start recovers what it left");
        ::_exit(1);  // its threads cannot be waited for
    }
    say("ended; what is taken out stays as it is");
    return {};
}

}  // namespace launcher
