// systemd, where the gateway is one of its services: the sockets it hands over, and what it is told. Where the gateway is started by
// hand all of this does nothing.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "launcher/outcome.h"

namespace gateway {

class service_manager {
public:
    explicit service_manager(boost::asio::io_context& io) : watchdog_(io) {}

    // The listening TCP sockets of the socket unit, close-on-exec; they are the caller's. Asked once, before there is another process
    // of ours, which would take itself for the service. Another kind of socket is an error.
    static launcher::outcome<std::vector<int>> sockets();

    // The service is there. From now on systemd hears as often as WatchdogSec= asks that the event loop turns.
    void ready(const std::string& status);
    // It ends, which may take so long.
    static void stopping(std::chrono::milliseconds at_most);

private:
    void watch(std::chrono::microseconds every);

    boost::asio::steady_timer watchdog_;
};

}  // namespace gateway
