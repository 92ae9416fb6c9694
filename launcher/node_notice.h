// Who is on call sees it too: while something is out, the node carries an annotation that says what, since when and by whom,
// and each detach and return is an Event of the node. docs/launcher.md has their names.
//
// Best effort, by kubectl, in a thread of its own: nothing waits for it and nothing fails by it. An API server that does
// not answer is asked again; a file says what was told, so that what an earlier process has left is cleared.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "launcher/kubectl_client.h"
#include "launcher/launcher_config.h"
#include "launcher/outcome.h"
#include "protocol/json.h"

namespace launcher {

inline constexpr const char* node_annotation = "delvegate.io/detached";

struct out_component {
    std::string name;
    std::string since;    // "2026-11-26T07:00:00Z"
    std::string by;       // a person, as shown
    std::string session;
    bool operator==(const out_component&) const = default;
};

// "kube-scheduler since 2026-11-26T07:00:00Z by alice; …". Pure.
std::string annotation_text(const std::vector<out_component>& out);
// The Event that says that it has gone out, or is back. Its name is the session's, so that it is made once. Pure.
protocol::json node_event(const std::string& node, const out_component& one, bool back, const std::string& at);

struct notice_place {
    // Asked before each attempt: how the API server is reached, or nothing where it is not to be told.
    std::function<std::optional<kubectl_setup>()> api;
    std::function<std::string()> node;  // this node's name in the cluster; empty: not known now
    std::string file;                   // what was told last
    std::chrono::milliseconds again = std::chrono::seconds(30);  // after an attempt that failed
};
// By the first kubeconfig of the configuration that is there, else by /etc/kubernetes/admin.conf.
notice_place notice_place_of(const launcher_config& configuration);

class node_notice {
public:
    explicit node_notice(notice_place place) : place_(std::move(place)) {}
    ~node_notice();  // waits for an attempt under way, which is bounded
    node_notice(const node_notice&) = delete;
    node_notice& operator=(const node_notice&) = delete;

    // What is out now, all of it. Returns at once.
    void show(std::vector<out_component> out);
    // Until an attempt has been made for what was shown last; for a process that is about to end.
    void settle(std::chrono::milliseconds patience);

private:
    struct told {
        std::vector<out_component> out;
        bool sure = true;  // false: killed while telling
    };
    void work();
    bool tell(const std::vector<out_component>& now_out);
    told read() const;
    void write(const told& what) const;

    const notice_place place_;
    std::mutex lock_;
    std::condition_variable wakes_;
    std::vector<out_component> wanted_;
    bool shown_ = false, attempted_ = true, ending_ = false;
    std::thread thread_;
};

}  // namespace launcher
