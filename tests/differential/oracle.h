// The Go program beside this file, asked in one batch: what do Go and Delve make of these bytes?
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace differential {

struct test_case {
    char kind = 'r';        // r, d, v, f: oracle/case.go
    std::string client;     // what a client sent
    std::string upstream;   // what dlv would get for it; empty when the gateway refuses
};

struct answer {
    bool read = false;
    std::string error;
    std::string operation;
    bool known = false;
    bool same = false;
    std::string why;
    std::vector<std::string> parts;
};

struct operations {
    std::vector<std::string> methods, commands, requests;
};

// Each throws std::runtime_error when the oracle cannot be run or answers nonsense.
std::vector<answer> ask(const std::vector<test_case>& cases);
std::vector<std::string> generate(unsigned seed, int count);  // JSON-RPC requests and DAP bodies
operations list();

}  // namespace differential
