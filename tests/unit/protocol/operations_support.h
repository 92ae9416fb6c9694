// Judging from text, for the tests of the operations.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "protocol/operations.h"

inline protocol::json parsed_json(std::string_view text) {
    auto value = protocol::parse_json(text);
    EXPECT_TRUE(value) << text;
    return value ? *value : protocol::json();
}

inline protocol::judged judge_rpc(std::string_view method, std::string_view arguments,
                                  const protocol::clamps& limits = {}) {
    return protocol::judge(
        protocol::rpc_request{protocol::json(1), std::string(method), parsed_json(arguments)}, limits);
}

inline protocol::judged judge_dap(std::string_view command, std::string_view arguments,
                                  const protocol::clamps& limits = {}) {
    return protocol::judge(
        protocol::dap_request{1, std::string(command), parsed_json(arguments)}, limits);
}

inline protocol::judged judge_evaluate(std::string_view expression,
                                       const protocol::clamps& limits = {}) {
    protocol::json arguments;
    arguments.set("expression", protocol::json(expression));
    return protocol::judge(protocol::dap_request{1, "evaluate", arguments}, limits);
}
