// One JSON-RPC connection of the guard's own to dlv, for a poll(2) loop: requests out, replies matched by id.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "launcher/dlv_address.h"
#include "launcher/fd.h"
#include "launcher/outcome.h"
#include "protocol/json.h"

namespace launcher {

class dlv_line {
public:
    // dlv's "result", or its error text; on a lost connection the reason.
    using on_reply = std::function<void(const outcome<protocol::json>&)>;

    outcome<void> open(const dlv_address& address);
    void close(const std::string& why);  // every pending call is told

    // `params` is the JSON text of the one argument. On a line that is not open `done` is called at once.
    void call(std::string_view method, std::string_view params, on_reply done);
    std::size_t pending() const { return pending_.size(); }
    bool is_open() const { return static_cast<bool>(socket_); }
    bool connected() const { return connected_; }  // of the last open(): ever
    bool answered() const { return answered_; }

    int fd() const { return socket_.get(); }
    short events() const;
    void ready(short revents);

private:
    void flush();
    void receive();
    void take(std::string_view line);
    unique_fd socket_;
    bool connected_ = false;
    bool answered_ = false;
    std::string out_;
    std::string in_;
    std::size_t scanned_ = 0;
    std::uint64_t next_id_ = 1;
    std::map<std::uint64_t, on_reply> pending_;
};

}  // namespace launcher
