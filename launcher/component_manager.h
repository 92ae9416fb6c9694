// What a component's life is asked of: the engine implements it; the launcher's server, and `restore` without one, use it.
//
// The caller has judged already who may ask (verb_rights.h). Every function may block for minutes, may be called from
// any thread, and for one component the server calls start, stop and restore one after the other.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/armory.h"
#include "launcher/fd.h"
#include "launcher/launcher_config.h"
#include "launcher/lifecycle_request.h"
#include "launcher/outcome.h"
#include "launcher/plan.h"

namespace launcher {

enum class component_state {
    available,
    starting,
    detaching,
    running,
    stopped,   // at a breakpoint or its entry
    exited,    // the debuggee; what was taken away is still away
    stopping,
    restoring,
    returned,  // put back, not yet seen running
    failed,    // a start that was rolled back; `notes` says why
    not_put_back,  // two versions, or something that only a person decides
};
std::string_view to_string(component_state state);  // "not_put_back"
std::optional<component_state> component_state_named(std::string_view text);

using unix_seconds = std::int64_t;  // 0: none

// A stop that somebody holds on purpose, in the guard's care.
struct parked_stop {
    unix_seconds until = 0;  // 0: none
    std::string by, note;
    std::string stop;        // "17-3f9c"
};

struct component_status {
    std::string name;
    component_kind kind = component_kind::static_pod;
    component_state state = component_state::available;
    bool detached = false;       // it is not where Kubernetes or systemd would have it
    unix_seconds since = 0;      // of the state, or of the detach while detached
    std::string by;              // who started it
    unix_seconds deadline = 0;   // when it is restored by itself, as things stand
    unix_seconds armed_until = 0;  // filled in by the server
    std::string session;         // 32 hex digits; empty: none
    std::string plan_hash;       // 64 hex digits
    remote_start remote = remote_start::armed;
    stop_budgets budget;         // of the plan it was started by; the gateway's hub keeps to it
    std::chrono::milliseconds duty{0};  // how long it must run freely until one duty counts as done; 0: a quarter of damage
    parked_stop park;
    std::vector<std::string> notes;
    std::vector<std::string> warnings;
};

// One step of something that takes time, for people: "waiting for the pod's processes to end".
struct progress_step {
    component_state state = component_state::starting;
    std::string component;
    std::string text;
};
using progress_callback = std::function<void(const progress_step&)>;

struct restore_report {
    std::string name;
    bool restored = false;     // it is as it was before
    bool nothing_to_do = false;
    std::string text;          // one line: what was done, or why not
    std::vector<std::string> decide;  // of two versions: the commands that decide, one a line
};

class component_manager {
public:
    virtual ~component_manager() = default;

    // Nothing is changed, nothing of the component is executed.
    virtual outcome<component_plan> inspect(const std::string& name) = 0;
    // Returns when the component's health answers (or it stands at its entry), or everything is rolled back.
    virtual outcome<component_status> start(const std::string& name, const lifecycle_request& request,
                                            const progress_callback& progress) = 0;
    virtual outcome<component_status> stop(const std::string& name, const lifecycle_request& request,
                                           const progress_callback& progress) = 0;
    // An empty name: all. Works with the launcher and the gateway dead, on the disk alone.
    virtual outcome<std::vector<restore_report>> restore(const std::string& name, const lifecycle_request& request,
                                                         const progress_callback& progress) = 0;
    // At the launcher's start, before any verb: what an earlier process left is taken up again where it lives, and put back
    // where it does not. Of components it had to do something with. From then on it looks after what is out, too.
    virtual std::vector<restore_report> recover(const progress_callback& progress) = 0;
    // Of every definition, and of what is held without one. Does not wait for a verb under way.
    virtual std::vector<component_status> status() = 0;
    // A connected descriptor to the component's guard, for a gateway's session with that id.
    virtual outcome<unique_fd> dial(const std::string& name, const std::string& session) = 0;
    // The gateway is there and serves the component (somebody is in a session, if `sessions`); without it the component is
    // restored after sessionTimeout. Answers quickly.
    virtual outcome<void> heartbeat(const std::string& name, const std::string& session, bool sessions) = 0;
    // The stop in which it stands is held for `time`, 0 being the longest that root allows, whatever becomes of the gateway.
    // `what.until` is not read. Answers quickly.
    virtual outcome<parked_stop> park(const std::string& name, const std::string& session, std::chrono::seconds time,
                                      const parked_stop& what) = 0;

    // What root has armed; asked from any thread, from now until the end. Without it nothing is.
    virtual void heed(std::function<std::optional<arming>(const std::string& name)> arms) = 0;
    // What is armed has changed: tells the component's guard what the gateway may still do there, if it runs. By itself the
    // manager tells it within seconds. An error: the guard may not know yet. Answers quickly, whatever verb is under way.
    virtual outcome<void> tell_ceiling(const std::string& name) = 0;
};

// The engine. With `configuration.state_directory` it finds what earlier processes left. Fails when the state cannot be
// read or another process holds it.
outcome<std::unique_ptr<component_manager>> make_component_manager(const launcher_config& configuration);

}  // namespace launcher
