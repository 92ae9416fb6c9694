// DAP log messages: "Expressions within {} are interpolated", cut as Delve cuts them
// (service/dap/server.go, parseLogPoint).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

namespace gateway {

struct log_message {
    // text[0] expression[0] text[1] expression[1] … text[n]
    std::vector<std::string> text;
    std::vector<std::string> expressions;
};

// The error is Delve's wording: "empty evaluation string", "invalid log point format", …; or why an expression
// is not let in: it would do more than read (a call, a command to dlv).
boost::system::result<log_message, std::string> parse_log_message(std::string_view message);

}  // namespace gateway
