// The signer as a process: its loop and what it gives up.
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "auth/signer.h"

namespace auth {

namespace {

constexpr int look_every = 200;   // ms
constexpr int sweep_every = 50;  // looks

void limit(int what, rlim_t most) {
    rlimit bounds{};
    if (::getrlimit(static_cast<__rlimit_resource>(what), &bounds) != 0) return;
    if (bounds.rlim_max != RLIM_INFINITY && bounds.rlim_max < most) most = bounds.rlim_max;
    bounds = {most, most};
    ::setrlimit(static_cast<__rlimit_resource>(what), &bounds);
}

// Before any key is read.
void confine() {
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_DUMPABLE, 0);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (const int ignored : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2}) std::signal(ignored, SIG_IGN);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 32);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_FSIZE, 1u << 30);
    ::umask(077);
}

bool send(int fd, const std::string& packet) {
    ssize_t n = 0;
    do n = ::write(fd, packet.data(), packet.size());
    while (n < 0 && errno == EINTR);
    return n == static_cast<ssize_t>(packet.size());
}

}  // namespace

int run_signer(int fd, const signer_options& options) {
    confine();
    auto desk = signer_desk::open(options);
    if (!desk) {
        protocol::json failed;
        failed.set("event", "failed");
        failed.set("reason", desk.error());
        send(fd, protocol::to_text(failed));
        return 1;
    }
    if (!send(fd, R"({"event":"ready"})")) return 1;
    // One byte more than a packet may have: a larger one, which the kernel would cut, shows.
    std::string packet(max_signer_packet + 1, '\0');
    for (int looks = 0;;) {
        pollfd wait{fd, POLLIN, 0};
        const int ready = ::poll(&wait, 1, look_every);
        if (ready < 0 && errno != EINTR) return 1;
        if (ready > 0) {
            const ssize_t n = ::read(fd, packet.data(), packet.size());
            if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (n <= 0) return 0;  // the gateway has ended
            const auto answer = (*desk)->answer({packet.data(), static_cast<std::size_t>(n)}, std::time(nullptr));
            if (!send(fd, answer)) return 0;
        }
        if ((*desk)->changed() && !send(fd, R"({"event":"changed"})")) return 0;
        if (++looks % sweep_every == 0) (*desk)->sweep(std::time(nullptr));
    }
}

}  // namespace auth
