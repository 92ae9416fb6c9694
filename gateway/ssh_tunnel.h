// The system's ssh as the way to a gateway: `ssh -W`, its standard input and output as the connection.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "gateway/laptop_dial.h"
#include "gateway/via.h"

namespace gateway {

// Returns at once; whether there is a way shows when something is sent. ssh asks nothing (BatchMode), reads the user's
// configuration, and notices a dead network within 15 s. It ends with the tunnel, and with this process.
or_reason<way_there> open_ssh_tunnel(const boost::asio::any_io_executor& executor, const via_way& via, const std::string& host,
                                     std::uint16_t port);

// What ssh's words on standard error come to, in one line; "" where they say nothing.
std::string explain_ssh(const via_way& via, const std::string& gateway, std::string_view said);

}  // namespace gateway
