// One question to a gateway's control API from a laptop's command.
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <string>

#include "auth/tls_blame.h"
#include "gateway/https_call.h"
#include "gateway/laptop_place.h"

namespace gateway {

struct call_failure {
    std::string code;  // "usage", "certificate", "unreachable"
    std::string text;  // one line
    // Of what is unreachable: whose certificate was refused, as `connect` tells it from a broken network (its exit codes 6 and 5).
    auth::tls_blame blame = auth::tls_blame::neither;
};

// Where and as whom is filled into the question from `where`, anew each time: a certificate that was renewed meanwhile counts. `done` is
// called once, from the event loop. What is returned gives it up.
std::function<void()> call_gateway(boost::asio::io_context& io, const laptop_place& where, https_question question,
                  std::function<void(boost::system::result<https_reply, call_failure>)> done);

// The same with an event loop of its own: blocks.
boost::system::result<https_reply, call_failure> call_gateway(const laptop_place& where, https_question question);

}  // namespace gateway
