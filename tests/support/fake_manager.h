// A component manager that takes nothing out: it keeps states, and can be held within a verb.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "launcher/component_manager.h"
#include "launcher/plan_json.h"

namespace support {

class fake_manager : public launcher::component_manager {
public:
    explicit fake_manager(const launcher::launcher_config& configuration) : configuration_(configuration) {}

    // While held, start() reports one step and waits.
    void hold(bool on) {
        const std::lock_guard lock(lock_);
        held_ = on;
        changed_.notify_all();
    }
    // Every request that came as far as here: "start kube-scheduler by alice uid 1000 remote".
    std::vector<std::string> seen() {
        const std::lock_guard lock(lock_);
        return seen_;
    }

    // "armed", "disarmed" or "never", by what it heeds; and of whom it was told that this has changed.
    std::string arms_of(const std::string& name) {
        const auto latest = arms_ ? arms_(name) : std::nullopt;
        return !latest ? "never" : latest->disarmed ? "disarmed" : "armed";
    }
    std::vector<std::string> told() {
        const std::lock_guard lock(lock_);
        return told_;
    }
    bool guard_answers = true;

    void heed(std::function<std::optional<launcher::arming>(const std::string& name)> arms) override { arms_ = std::move(arms); }
    launcher::outcome<void> tell_ceiling(const std::string& name) override {
        const std::lock_guard lock(lock_);
        told_.push_back(name + " " + arms_of(name));
        return guard_answers ? launcher::outcome<void>() : launcher::outcome<void>("the guard does not answer");
    }
    launcher::outcome<launcher::component_plan> inspect(const std::string& name) override {
        note("inspect " + name);
        launcher::component_plan plan;
        plan.definition = *configuration_.find(name);
        plan.found_in = "/etc/kubernetes/manifests/" + name + ".yaml";
        plan.manifest_hash = std::string(64, 'a');
        plan.process.argv = {{name, name + ".yaml command[0]"}, {"--token=t0psecret", name + ".yaml command[1]"},
                             {"--leader-elect=false", "delvegate: this is the only instance"}};
        plan.process.env = {{"API_TOKEN", {"hunter2", name + ".yaml env API_TOKEN"}}, {"GOGC", {"80", name + ".yaml env GOGC"}}};
        plan.moved = plan.found_in + " to /etc/kubernetes/delvegate-held/";
        plan.comes_back = "renamed back, byte for byte";
        plan.undo_by_hand = {"mv /etc/kubernetes/delvegate-held/" + name + ".yaml " + plan.found_in};
        if (name == "refused")
            plan.findings.push_back({launcher::severity::refusal, "the binary has no debug information", "build it without -s -w"});
        plan.hash = *launcher::plan_hash(plan);
        return plan;
    }
    launcher::outcome<launcher::component_status> start(const std::string& name, const launcher::lifecycle_request& request,
                                                        const launcher::progress_callback& progress) override {
        note("start " + name + words(request));
        if (!request.plan_hash.empty() && request.plan_hash != inspect(name)->hash)
            return {boost::system::in_place_error, "the plan is another one now"};
        progress({launcher::component_state::detaching, name, "waiting for the pod to end"});
        std::unique_lock lock(lock_);
        changed_.wait(lock, [this] { return !held_; });
        auto& status = states_[name];
        status = of(name);
        status.state = request.stop_on_entry ? launcher::component_state::stopped : launcher::component_state::running;
        status.detached = true;
        status.since = 1'790'000'000;
        status.by = request.by;
        status.session = request.session.empty() ? std::string(32, 'b') : request.session;
        return status;
    }
    launcher::outcome<launcher::component_status> stop(const std::string& name, const launcher::lifecycle_request& request,
                                                       const launcher::progress_callback&) override {
        note("stop " + name + words(request));
        const std::lock_guard lock(lock_);
        states_.erase(name);
        return of(name);
    }
    launcher::outcome<std::vector<launcher::restore_report>> restore(const std::string& name,
                                                                     const launcher::lifecycle_request& request,
                                                                     const launcher::progress_callback&) override {
        note("restore " + name + words(request));
        const std::lock_guard lock(lock_);
        std::vector<launcher::restore_report> out;
        for (auto one = states_.begin(); one != states_.end();) {
            if (!name.empty() && one->first != name) {
                ++one;
                continue;
            }
            out.push_back({one->first, true, false, "is back", {}});
            one = states_.erase(one);
        }
        if (out.empty() && !name.empty()) out.push_back({name, false, true, "is not taken out", {}});
        return out;
    }
    std::vector<launcher::restore_report> recover(const launcher::progress_callback&) override {
        note("recover");
        return {};
    }
    std::vector<launcher::component_status> status() override {
        const std::lock_guard lock(lock_);
        std::vector<launcher::component_status> out;
        for (const auto& one : configuration_.components) out.push_back(states_.count(one.name) ? states_[one.name] : of(one.name));
        return out;
    }
    launcher::outcome<launcher::unique_fd> dial(const std::string& name, const std::string&) override {
        int both[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) != 0) return "no socket pair";
        const std::string hello = "guard of " + name + "\n";
        const launcher::unique_fd ours(both[0]);
        [[maybe_unused]] const auto n = ::write(ours.get(), hello.data(), hello.size());
        return launcher::unique_fd(both[1]);
    }
    launcher::outcome<void> heartbeat(const std::string& name, const std::string& session, bool) override {
        const std::lock_guard lock(lock_);
        const auto found = states_.find(name);
        if (found == states_.end() || found->second.session != session) return name + " is in no such session";
        return {};
    }
    launcher::outcome<launcher::parked_stop> park(const std::string& name, const std::string& session, std::chrono::seconds time,
                                                  const launcher::parked_stop& what) override {
        note("park " + name + " " + std::to_string(time.count()) + " " + what.stop + " by " + what.by + ": " + what.note);
        const std::lock_guard lock(lock_);
        const auto found = states_.find(name);
        if (found == states_.end() || found->second.session != session)
            return {boost::system::in_place_error, name + " is in no such session"};
        found->second.park = what;
        found->second.park.until = 1'790'000'600;
        return found->second.park;
    }

private:
    launcher::component_status of(const std::string& name) const {
        launcher::component_status out;
        out.name = name;
        if (const auto* definition = configuration_.find(name)) {
            out.kind = definition->kind;
            out.remote = definition->remote;
        }
        return out;
    }
    static std::string words(const launcher::lifecycle_request& request) {
        std::string out = " by " + request.by + " uid " + std::to_string(request.uid) + (request.remote ? " remote" : "");
        for (const auto one : request.forces) out += " force " + std::string(to_string(one));
        if (request.decide != launcher::decision::none) out += " decides";
        return out;
    }
    void note(std::string what) {
        const std::lock_guard lock(lock_);
        seen_.push_back(std::move(what));
    }

    launcher::launcher_config configuration_;
    std::mutex lock_;
    std::condition_variable changed_;
    bool held_ = false;
    std::vector<std::string> seen_, told_;
    std::function<std::optional<launcher::arming>(const std::string& name)> arms_;
    std::map<std::string, launcher::component_status> states_;
};

}  // namespace support
