// A component of kind launcher: its life is the launcher's, its session this gateway's. Attaches the hub when the launcher
// says that it runs (at the gateway's start as well), and lets go when it goes back to where it belongs.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "auth/policy.h"
#include "gateway/hub.h"
#include "gateway/launcher_watch.h"
#include "protocol/json.h"

namespace gateway {

struct launcher_parts {
    launcher_client& client;
    launcher_watch& watch;
};

class launched {
public:
    launched(boost::asio::io_context& io, const launcher_parts& parts, hub& session, std::string name);
    launched(const launched&) = delete;
    launched& operator=(const launched&) = delete;

    std::function<void(const std::string& error)> on_attached;  // of each attempt; empty: dlv answers

    void start();  // from now on it follows the launcher
    void ask_now() { parts_.watch.ask_now(); }
    void lost(const std::string& why);  // the connections to dlv broke
    void stop();

    // Somebody here has asked the launcher for it: viewers are told by whom.
    void being_stopped(std::string who) { stopped_by_ = std::move(who); }
    // That is over. What came to pass may still have to be told to those who are in the session.
    void was_stopped(bool came_to_pass) {
        if (!came_to_pass || session_.empty()) stopped_by_.clear();
    }

    // Why there is no session now, and for one who may or may not change that: who can, and how. One line.
    std::string why_not(const auth::grants& of) const;

    // While the hub is not attached: as the launcher has it, "available"; "starting": it is about to be attached;
    // "unknown": the launcher says nothing of it.
    std::string state() const;
    protocol::json status() const;
    const std::string& session() const { return session_; }  // the launcher's; empty: the hub is attached to none
    const launcher_report* report() const { return parts_.watch.find(name_); }

private:
    void changed();
    void attach(const launcher_report& now);
    void let_go(const launcher_report* now);
    void park(const hub_park::order& what, const hub_park::kept& done);
    std::string situation() const;  // why there is no session, without what to do about it

    boost::asio::io_context& io_;
    launcher_parts parts_;
    hub& hub_;
    const std::string name_;
    std::string session_;      // what the hub is attached to, or attaching
    bool attaching_ = false;
    std::string trouble_;      // of the last attempt
    std::string stopped_by_;
    boost::asio::steady_timer again_, patience_;
    std::chrono::milliseconds pause_;
    bool stopping_ = false, listening_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
