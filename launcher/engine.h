// The component manager that does it: inspects, takes out, runs under dlv, puts back, and looks after what is out.
//
// The disk is the truth, the journal the reason: each step is on the disk in the journal before it is taken, and what
// is to be done after any interruption is decide_recovery()'s to say, here as anywhere. A journal that cannot be written
// stops a start before anything is taken away, and never a return.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "launcher/component_manager.h"
#include "launcher/debuggee_unit.h"
#include "launcher/detacher.h"
#include "launcher/guard_control.h"
#include "launcher/journal.h"
#include "launcher/node_notice.h"
#include "launcher/plan_key.h"
#include "launcher/recovery.h"

namespace launcher {

class leader_watch;

using detacher_factory =
    std::function<std::unique_ptr<detacher>(const component_definition& definition, const launcher_config& configuration)>;
// The kind's own.
std::unique_ptr<detacher> make_detacher(const component_definition& definition, const launcher_config& configuration);

class engine final : public component_manager {
public:
    // Without a journal that can be read it only restores.
    explicit engine(const launcher_config& configuration, detacher_factory make = make_detacher);
    ~engine() override;

    void heed(std::function<std::optional<arming>(const std::string& name)> arms) override;
    outcome<void> tell_ceiling(const std::string& name) override;
    outcome<component_plan> inspect(const std::string& name) override;
    outcome<component_status> start(const std::string& name, const lifecycle_request& request,
                                    const progress_callback& progress) override;
    outcome<component_status> stop(const std::string& name, const lifecycle_request& request,
                                   const progress_callback& progress) override;
    outcome<std::vector<restore_report>> restore(const std::string& name, const lifecycle_request& request,
                                                 const progress_callback& progress) override;
    std::vector<restore_report> recover(const progress_callback& progress) override;
    std::vector<component_status> status() override;
    outcome<unique_fd> dial(const std::string& name, const std::string& session) override;
    outcome<void> heartbeat(const std::string& name, const std::string& session, bool sessions) override;
    outcome<parked_stop> park(const std::string& name, const std::string& session, std::chrono::seconds time,
                              const parked_stop& what) override;

private:
    // One component's: what a verb under way has come to, and its lock.
    struct place {
        std::mutex busy;  // held by the verb that works on it
        component_state doing = component_state::available;  // of the verb under way, or how the last one ended
        bool working = false;
        std::string note;
        std::string returned;  // what was said of the last return, until the component runs again
        std::chrono::system_clock::time_point since = std::chrono::system_clock::now();
        std::int64_t beaten = 0;  // boot nanoseconds: when the journal was last told of a heartbeat ...
        bool beaten_with_people = false;  // ... and whether somebody was in a session
        // What its guard was last told that the gateway may do; nothing: not yet, or it is a new guard.
        std::optional<protocol::class_set> ceiling;
        // Of a session that runs without leader election because of us: whether it is alone.
        std::shared_ptr<leader_watch> leaders;
        std::string leaders_session, leaders_warning;
        bool leaders_tolerated = false;
        unsigned failures = 0;            // of the watch, in a row
        bool unasked = false;             // nobody could be asked whether something of it is out, and the journal does not know
        std::chrono::steady_clock::time_point not_before{};  // when it tries again
        // What runs was started by these: for onExit restart. Lost with the process, and the original comes back then.
        std::shared_ptr<const component_plan> plan;
        examined_files examined;
        std::string plan_session;
        std::vector<std::chrono::steady_clock::time_point> restarts;
    };
    struct run;  // one verb on one component, under its lock
    friend struct run;

    place& place_of(const std::string& name);
    outcome<const component_definition*> definition_of(const std::string& name) const;
    outcome<std::optional<detachment>> row_of(const std::string& name);
    outcome<void> advance(detachment& row, journal_step step, const detachment_changes& changes);
    component_status status_of(const component_definition& definition);
    protocol::class_set ceiling_of(const detachment& row);  // of now
    outcome<void> tell_ceiling(const detachment& row, bool anew);
    // A plan's hash is made with the launcher's own key before anybody sees it.
    outcome<component_plan> keyed(outcome<component_plan> plan);
    // A kubelet starts a container that has been started again and again later each time.
    void tell_back_off(component_plan& plan);
    void watch();
    void look_after();
    void look_after(const component_definition& definition);
    void look_after_safely(const component_definition& definition);
    // Every definition, and what is out without one: by the journal's rows, and by what is held where nothing speaks of it.
    std::vector<component_definition> known();
    // Asked anew where manifests are: a kubelet may have been started meanwhile.
    void find_manifest_directories();
    restore_report put_back(const component_definition& definition, found_on_disk::occasion why,
                            const progress_callback& progress);
    void prune();
    void tell_node();

    const launcher_config configuration_;
    const detacher_factory make_;
    node_notice notice_;
    std::optional<plan_key> plan_key_;
    std::mutex journal_lock_;
    std::optional<journal> journal_;
    std::string journal_trouble_;  // why there is none

    std::mutex arms_lock_;
    std::function<std::optional<arming>(const std::string& name)> arms_;

    std::mutex places_lock_;
    std::map<std::string, std::unique_ptr<place>, std::less<>> places_;
    std::vector<std::string> manifest_directories_;
    std::chrono::steady_clock::time_point prune_at_{};

    std::mutex watch_lock_;
    std::condition_variable watch_wakes_;
    bool ending_ = false;
    std::thread watch_;
    std::map<std::string, std::future<void>> looks_;  // the watch's own: one a component, under way or done
};

}  // namespace launcher
