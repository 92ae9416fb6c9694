// Asking the gateway of this host, for the commands beside `serve`.
#pragma once

#include <sys/types.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <string>
#include <string_view>

#include "launcher/outcome.h"

namespace gateway {

// Which gateway: the options --config and --runtime-directory.
struct gateway_place {
    std::string config_file;
    std::string runtime_directory;

    void add_options(CLI::App& command);
    // Its runtime directory; the error is one of the configuration (exit code 2).
    launcher::outcome<std::string> directory() const;
};

struct gateway_answer {
    unsigned status = 0;  // HTTP
    std::string body;     // JSON
    pid_t gateway = 0;    // who has made the socket; 0: unknown, as from another pid namespace
};
// GET, or POST where there is a body. An error, in one line: no gateway answered. Blocks, for as long as `time` at most: a
// gateway that hangs is not waited for.
launcher::outcome<gateway_answer> ask_gateway(const std::string& runtime_directory, std::string_view path, std::string_view body = {},
                                              std::chrono::milliseconds time = std::chrono::seconds(15));

}  // namespace gateway
