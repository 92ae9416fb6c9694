// What people call an operation, for `delvegate policy can-i`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/operations.h"

namespace auth {

struct question {
    std::string operation;  // judged.operation; empty: only whether the classes are granted
    protocol::class_set classes;  // of its plainest form: conditions, values and the like need more
    bool dap = false;
};

// Every operation of the table, by the name decisions are made on, those of JSON-RPC first.
std::vector<question> all_operations();

// The operations that `text` means, in any letter case: one of that name, or with that last word
// ("call": `Command call` and `evaluate call`), with or without "RPCServer."; or the name of a class.
// Empty when there is none.
std::vector<question> operations_named(std::string_view text);

// Names of operations that contain the text, or begin like it; at most a few.
std::vector<std::string> operations_like(std::string_view text);

}  // namespace auth
