// The guard's side of guard_control.h: who asks, and the answers.
#pragma once

#include <functional>
#include <list>
#include <memory>

#include "launcher/fd.h"
#include "launcher/poll_set.h"
#include "protocol/json.h"

namespace launcher {

// Whether the other end of a Unix socket is root's or this process's own uid.
bool trusted_peer(int socket);

class guard_callers {
public:
    using answer = std::function<void(protocol::json)>;  // once, now or later
    using handler = std::function<void(const protocol::json& request, answer)>;

    guard_callers(int listening, handler on) : listening_(listening), on_(std::move(on)) {}
    void add_to(poll_set& polls);

private:
    void admit();
    void receive(const std::shared_ptr<unique_fd>& caller);
    int listening_;
    handler on_;
    std::list<std::shared_ptr<unique_fd>> callers_;
};

}  // namespace launcher
