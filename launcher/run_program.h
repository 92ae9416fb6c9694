// A program run to its end, its words collected: for the few that are asked something (dlv, crictl, kubectl).
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "launcher/outcome.h"

namespace launcher {

struct program_result {
    int status = 0;      // exit code, or 128 + the signal that ended it
    std::string output;  // standard output and, unless `errors_apart`, standard error
    std::string errors;  // standard error with `errors_apart`
};

struct program_options {
    std::chrono::milliseconds patience = std::chrono::seconds(10);
    std::size_t limit = 16u << 20;  // bytes of each; more ends it
    bool errors_apart = false;
    std::string input;              // standard input; at most 64 KiB (a pipe's worth)
    std::vector<std::string> environment;  // NAME=VALUE; empty: base_environment of the caller
};

// argv[0] is a path. It gets no other descriptor of ours. The error is that it could not be run, took too long or said
// too much; that it failed is its status.
outcome<program_result> run_program(const std::vector<std::string>& argv, const program_options& options = {});

}  // namespace launcher
