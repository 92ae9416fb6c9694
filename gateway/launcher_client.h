// The gateway's end of the launcher's socket: one verb a connection, so a launcher that is restarted is simply asked
// again, and one that hangs holds up nothing but its own caller.
//
// The peer must be root or this process's own user, by the kernel's word. Everything it sends is read strictly and in
// bounded pieces; whatever it does, `done` is called within the call's time, from the event loop.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/upstream_route.h"
#include "launcher/launcher_wire.h"
#include "protocol/json.h"

namespace gateway {

struct launcher_failure {
    // Of launcher_fault ("refused", "unknown", "busy", "limited", "failed", "malformed"), or "unreachable": it does not
    // answer, or not in time. After an unreachable start nobody knows how far it got: ask for the status. "forbidden":
    // it was taken back here, or its caller may not any more.
    std::string code;
    std::string text;  // one line, without controls
};

struct launcher_answer {
    protocol::json result;
    launcher::unique_fd descriptor;         // of dial
    std::optional<launcher_failure> failed;
};

class launcher_client {
public:
    explicit launcher_client(boost::asio::io_context& io, std::string socket);
    ~launcher_client();  // no callback after it
    launcher_client(const launcher_client&) = delete;
    launcher_client& operator=(const launcher_client&) = delete;

    using on_progress = std::function<void(const protocol::json& step)>;
    using on_answer = std::function<void(launcher_answer)>;
    // Why it is not to be asked any more, told to whoever asked; empty: it may. Asked when its turn has come, which may be
    // minutes later.
    using on_turn = std::function<std::string()>;
    // Ends the connection to the launcher, with `why` for whoever asked. What the launcher has begun it goes on with.
    using take_back = std::function<void(const std::string& why)>;
    // `time` is for all of it; zero: what the verb usually needs at most. Never calls back from inside. `caller`: of his
    // inspects one at a time is asked.
    take_back ask(launcher::launcher_request request, on_answer done, on_progress progress = {},
                  std::chrono::milliseconds time = {}, on_turn may = {}, std::string caller = {});

    // A connection to the component's dlv, through its guard. A launcher that is being restarted is waited for, some seconds.
    void dial(const std::string& component, const std::string& session, dialled done);
    upstream_route route(const std::string& component, const std::string& session);

    const std::string& socket() const { return socket_; }

    static std::chrono::milliseconds usual_time(launcher::launcher_verb verb);
    // At once; more wait their turn. Nobody waits behind another class: a stop never behind plans or starts.
    static constexpr std::size_t max_quick = 4;    // status, heartbeat, dial
    static constexpr std::size_t max_inspect = 2;
    static constexpr std::size_t max_start = 4;
    static constexpr std::size_t max_back = 4;     // stop, restore

    static constexpr std::chrono::seconds dial_patience{5};

private:
    struct call;
    void dial_until(std::string component, std::string session, dialled done, std::chrono::steady_clock::time_point end);
    void next();

    boost::asio::io_context& io_;
    const std::string socket_;
    std::deque<std::shared_ptr<call>> waiting_;
    std::vector<std::shared_ptr<call>> running_;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
