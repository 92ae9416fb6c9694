#include "gateway/service_manager.h"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <cstring>

namespace gateway {

launcher::outcome<std::vector<int>> service_manager::sockets() {
    const int passed = ::sd_listen_fds(1);
    if (passed < 0) return std::string("the sockets of the socket unit cannot be taken: ") + std::strerror(-passed);
    std::vector<int> all;
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + passed; ++fd) {
        if (::sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0)
            return std::string("the socket unit passes something else than a listening TCP socket; it needs ListenStream= with a port, "
                               "and Accept=no");
        all.push_back(fd);
    }
    return all;
}

void service_manager::ready(const std::string& status) {
    ::sd_notifyf(0, "READY=1\nSTATUS=%s", status.c_str());
    std::uint64_t within = 0;
    if (::sd_watchdog_enabled(0, &within) > 0) watch(std::chrono::microseconds(within / 2));
}

void service_manager::watch(std::chrono::microseconds every) {
    ::sd_notify(0, "WATCHDOG=1");
    watchdog_.expires_after(every);
    watchdog_.async_wait([this, every](const boost::system::error_code& ec) {
        if (!ec) watch(every);
    });
}

void service_manager::stopping(std::chrono::milliseconds at_most) {
    const auto most = std::chrono::duration_cast<std::chrono::microseconds>(at_most);
    ::sd_notifyf(0, "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=%lld", static_cast<long long>(most.count()));
}

}  // namespace gateway
