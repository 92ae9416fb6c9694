// The other end of the launcher's socket: for the command line, and for a worker thread of the gateway. Blocks.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "launcher/fd.h"
#include "launcher/launcher_wire.h"
#include "launcher/outcome.h"

namespace launcher {

struct launcher_answer {
    protocol::json result;
    unique_fd descriptor;  // of dial
};

struct launcher_failure {
    launcher_fault fault = launcher_fault::failed;
    std::string text;         // one line
    bool unreachable = false;  // no launcher answered: the verb may or may not have been taken
};

class launcher_client {
public:
    // Refused: a socket whose other end is not root's (or this user's own) process.
    static boost::system::result<launcher_client, launcher_failure> connect(const std::string& socket);

    // One verb. `progress` gets {"component","state","text"}. Without `patience` it waits as long as it takes. After a
    // failure with `unreachable` the connection is of no more use.
    boost::system::result<launcher_answer, launcher_failure> call(
        const launcher_request& request, const std::function<void(const protocol::json&)>& progress = {},
        std::optional<std::chrono::milliseconds> patience = {});

    int native_handle() const { return socket_.get(); }

private:
    explicit launcher_client(unique_fd socket) : socket_(std::move(socket)) {}
    unique_fd socket_;
};

}  // namespace launcher
