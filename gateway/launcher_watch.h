// What the launcher says of its components: asked every second, told to whoever serves one, and told in turn that this
// gateway lives (heartbeat, every 2 s for each component that is away from its place or in a session).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/budget_clock.h"
#include "gateway/launcher_client.h"
#include "launcher/component_manager.h"
#include "launcher/guard_control.h"

namespace gateway {

// One component as the launcher reports it. Times in seconds since the epoch, 0: none.
struct launcher_report {
    std::string name;
    std::string kind;
    launcher::component_state state = launcher::component_state::available;
    bool detached = false;
    std::int64_t since = 0;
    std::string by;
    std::int64_t deadline = 0;
    std::int64_t armed_until = 0;
    std::string remote;   // never, armed, always
    std::string session;
    stop_budget budget;
    launcher::park_words park;       // of a stop that is held on purpose
    std::int64_t parked_until = 0;   // 0: none is
    std::vector<std::string> notes, warnings;

    bool operator==(const launcher_report&) const = default;
    // dlv may be spoken to. What is attached to, or a core file, is in a session without being away from its place.
    bool in_session() const {
        using enum launcher::component_state;
        return !session.empty() && (state == running || state == stopped);
    }
    // The launcher waits for word of us: it ends what has had none for sessionTimeout.
    bool awaits_beats() const { return !session.empty() && (detached || in_session()); }
};

// Out of the launcher's status; nothing where it is not one.
std::optional<std::vector<launcher_report>> read_launcher_status(const protocol::json& result);

class launcher_watch {
public:
    struct intervals {
        std::chrono::milliseconds status{1000};
        std::chrono::milliseconds heartbeat{2000};
    };
    explicit launcher_watch(boost::asio::io_context& io, launcher_client& client) : launcher_watch(io, client, intervals{}) {}
    launcher_watch(boost::asio::io_context& io, launcher_client& client, intervals times);
    launcher_watch(const launcher_watch&) = delete;
    launcher_watch& operator=(const launcher_watch&) = delete;

    struct listener {
        std::string component;
        // After each change of its report, and of whether the launcher answers.
        std::function<void()> changed;
        std::function<bool()> sessions;  // whether somebody is in one, for the heartbeat
    };
    void listen(listener one);  // before start(); for the life of this object

    void start();
    void stop();
    void ask_now();  // something has been done: do not wait for the next time

    // What was told last; null: the launcher knows none of that name, or has never answered.
    const launcher_report* find(const std::string& name) const;
    // Why there is no answer now; empty: there is one.
    const std::string& trouble() const { return trouble_; }
    bool answered() const { return answered_; }  // once at least

private:
    void poll();
    void took(launcher_answer answer);
    void beat();

    boost::asio::io_context& io_;
    launcher_client& client_;
    const intervals times_;
    boost::asio::steady_timer poll_timer_, beat_timer_;
    std::vector<listener> listeners_;
    std::map<std::string, launcher_report> reports_;
    std::string trouble_ = "the launcher has not been asked yet";
    bool answered_ = false, asking_ = false, again_ = false, stopped_ = true;
    std::map<std::string, bool> beating_;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
