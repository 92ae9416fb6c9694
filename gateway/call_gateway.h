// One question to a gateway's control API from a laptop's command.
#pragma once

#include <string>

#include "gateway/https_call.h"
#include "gateway/laptop_place.h"

namespace gateway {

struct call_failure {
    std::string code;  // "usage", "certificate", "unreachable"
    std::string text;  // one line
};

// Blocks. Where and as whom is filled into the question from `where`.
boost::system::result<https_reply, call_failure> call_gateway(const laptop_place& where, https_question question);

}  // namespace gateway
