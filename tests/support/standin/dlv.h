// A stand-in for a headless dlv, on a Unix socket and in the test's own loop: JSON-RPC and DAP, as far as the gateway's hub
// speaks them (launcher/guard_filter.cpp, hub_sends), over a program that takes no time.
//
// Its lock is dlv's (Delve service/debugger/debugger.go): who runs the target has it until the target rests, and all others
// wait, but for the few that do not need it. A connection's requests are taken one after the other; behind a resume the next one
// is taken when the target has really been resumed, so a halt that comes before that is lost.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <random>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "launcher/dlv_address.h"
#include "tests/support/standin/debugger.h"

namespace standin {

namespace asio = boost::asio;

class dlv {
public:
    // `seed`: how many turns of the loop pass between what follows each other in dlv.
    dlv(asio::io_context& context, std::string socket, unsigned seed);
    ~dlv();

    launcher::dlv_address address() const {
        return {.how = launcher::dlv_address::kind::unix_socket, .path = path_, .host = {}, .port = 0};
    }
    const debugger& target() const { return debugger_; }
    bool running() const { return resumed_; }
    // Attaches that had to halt the target, which is what dlv does then.
    int halted_by_attach() const { return halted_by_attach_; }
    int resumes() const { return resumes_; }

private:
    friend class connection;
    using step = std::function<void()>;

    void accept();
    void later(step then);  // in a turn or some
    void lock(step then);
    void unlock();
    void resume(std::string command, step begun, std::function<void(json)> rested);
    void walk();
    void request_halt() { halt_requested_ = true; }

    asio::io_context& context_;
    std::string path_;
    asio::local::stream_protocol::acceptor acceptor_;
    std::minstd_rand random_;
    debugger debugger_;
    std::list<std::shared_ptr<class connection>> connections_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);

    bool locked_ = false;
    std::deque<step> waiting_;
    bool running_ = false;  // dlv's own flag, set by every Command
    bool resumed_ = false;
    bool halt_requested_ = false;
    int halted_by_attach_ = 0;
    int resumes_ = 0;
    std::function<void(json)> rested_;
};

}  // namespace standin
