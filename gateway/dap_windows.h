// The DAP sessions with dlv that viewers share: those who have attached alike look through one, so that a hundred are one
// to dlv, and the same look is asked once (design §5.1).
//
// A session numbers its frames and variables for itself: who changes windows has none of the other's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/dap_window.h"
#include "gateway/reference_owners.h"

namespace gateway {

class hub;
class viewer;

// Who looks through a window.
class window_user {
public:
    virtual ~window_user() = default;
    virtual const viewer& as_viewer() const = 0;
    virtual void window_event(std::string_view event, const protocol::json& body) = 0;
    virtual void window_closed(const std::string& reason) = 0;
    // It is somebody else's from now on. At the next look there is another one.
    virtual void window_lost() = 0;
};

class shared_window : public std::enable_shared_from_this<shared_window> {
public:
    shared_window(hub& of, protocol::json initialize);
    ~shared_window();

    // Calls `go` when it has said initialize and attach to dlv; only while the target stands.
    using ready = std::function<void(std::string error)>;
    void attach(const protocol::json& arguments, ready go);
    bool attached() const { return attached_; }
    void initialize(dap_window::on_response done);

    void call(window_user& u, std::string command, protocol::json arguments, dap_window::on_response done);
    struct question {
        std::string command;
        protocol::json arguments;
        bool shareable = false;  // look_answers
        std::function<void()> again;
        std::function<void(std::string)> refused;
    };
    // True: `sink` gets the answer, from dlv or from what it has said at this stop. False: the same look is on its way;
    // when that has ended, `again` is called.
    bool look(window_user& u, const question& q, response_sink& sink);
    void resume() { window_.resume(); }

    reference_marks marks;
    reference_owners owners;

private:
    friend class dap_windows;
    struct passage;
    void begin_attach();
    void event(std::string_view name, const protocol::json& body);
    void closed(const std::string& reason);
    void ask(window_user* u, std::string command, protocol::json arguments, dap_window::on_response done);
    std::unique_ptr<passage> finish(const passage& p);

    hub& hub_;
    protocol::json initialize_, attach_;
    bool initialized_ = false, attached_ = false, closed_ = false;
    std::vector<ready> awaiting_;
    std::uint64_t number_;
    std::set<window_user*> users_;
    std::deque<window_user*> asking_;   // whose the requests are that wait or are on their way; null: nobody's any more
    std::list<std::unique_ptr<passage>> passages_;
    dap_window window_;
};

class dap_windows {
public:
    explicit dap_windows(hub& of) : hub_(of) {}

    // A window that says this initialize. For nobody else until share() is called.
    std::shared_ptr<shared_window> open(window_user& u, const protocol::json& initialize);
    // The window of those who have the same key; `mine`, if any, becomes it where there is none.
    std::shared_ptr<shared_window> share(window_user& u, const std::string& key, const protocol::json& initialize,
                                         std::shared_ptr<shared_window> mine);
    void leave(window_user& u, shared_window& w);
    bool is_shared(const shared_window& w) const { return w.users_.size() > 1; }
    // It does what is its user's alone (a call, which makes new numbers): the others look through another one.
    void keep(window_user& u, shared_window& w);

    // What dlv answers to this initialize; null: not asked yet.
    const dap_outcome* capabilities(const protocol::json& initialize) const;
    void note(const protocol::json& initialize, const dap_outcome& out);
    // dlv is gone.
    void forget();

private:
    hub& hub_;
    std::map<std::string, std::weak_ptr<shared_window>> shared_;
    std::map<std::string, dap_outcome> capabilities_;
};

}  // namespace gateway
