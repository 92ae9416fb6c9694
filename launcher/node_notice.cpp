#include "launcher/node_notice.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "launcher/fd.h"
#include "launcher/kubelet_config.h"
#include "launcher/live_process.h"
#include "launcher/moment.h"
#include "storage/sha256.h"
#include "storage/trusted_file.h"

namespace launcher {

namespace {

using protocol::json;

constexpr auto patience = std::chrono::seconds(5);  // of one request: nobody waits, but the process may be ending
constexpr const char* admin_conf = "/etc/kubernetes/admin.conf";
constexpr const char* events = "/api/v1/namespaces/default/events";  // where a node's are
constexpr std::size_t largest = 1u << 20;

bool is_there(const std::string& file) { return ::access(file.c_str(), R_OK) == 0; }

std::string node_name_of(const launcher_config& configuration) {
    for (const auto& each : configuration.components)
        if (each.kind == component_kind::daemon_set && !each.node_name.empty()) return each.node_name;
    const auto kubelet = find_kubelet();
    if (!kubelet) return {};
    const auto setup = read_kubelet_setup(kubelet->argv, kubelet->working_directory);
    return setup ? setup->node_name : std::string();
}

}  // namespace

std::string annotation_text(const std::vector<out_component>& out) {
    std::string text;
    for (const auto& one : out)
        text += (text.empty() ? "" : "; ") + one.name + " since " + one.since + " by " + one.by;
    return text;
}

json node_event(const std::string& node, const out_component& one, bool back, const std::string& at) {
    const auto id = storage::sha256_hex(one.session + one.name + (back ? "+" : "-")).substr(0, 16);
    const auto text = back ? one.name + " is back where it was; it was out since " + one.since + " by " + one.by
                           : one.name + " is taken out of this node and runs under a debugger, since " + one.since + " by " +
                                 one.by + "; delvegate status on the node says more, delvegate restore " + one.name +
                                 " puts it back";
    return json::object{
        {"apiVersion", "v1"},
        {"kind", "Event"},
        {"metadata", json::object{{"name", node + "." + id}, {"namespace", "default"}}},
        // A node's Events are found by its name in the place of the uid, as the kubelet's are.
        {"involvedObject", json::object{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}, {"uid", node}}},
        {"type", back ? "Normal" : "Warning"},
        {"reason", back ? "ComponentReturned" : "ComponentDetached"},
        {"message", text},
        {"source", json::object{{"component", "delvegate"}, {"host", node}}},
        {"firstTimestamp", at},
        {"lastTimestamp", at},
        {"count", std::int64_t{1}},
    };
}

notice_place notice_place_of(const launcher_config& configuration) {
    notice_place place;
    place.api = [&configuration]() -> std::optional<kubectl_setup> {
        kubectl_setup setup;
        setup.program = configuration.kubectl;
        setup.cache_directory = configuration.runtime_directory + "/.kubectl";
        setup.patience = patience;
        for (const auto& each : configuration.components)
            if (each.kind == component_kind::daemon_set && is_there(each.kubeconfig)) {
                setup.kubeconfig = each.kubeconfig;
                return setup;
            }
        setup.kubeconfig = admin_conf;
        return is_there(admin_conf) ? std::optional(setup) : std::nullopt;
    };
    place.node = [&configuration] { return node_name_of(configuration); };
    place.file = configuration.state_directory + "/told-node.json";
    return place;
}

node_notice::~node_notice() {
    {
        const std::lock_guard hold(lock_);
        ending_ = true;
    }
    wakes_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void node_notice::show(std::vector<out_component> out) {
    {
        const std::lock_guard hold(lock_);
        if (shown_ && out == wanted_) return;
        // Where nothing is out and nothing was told there is nothing to say, and no thread.
        if (!shown_ && out.empty() && !is_there(place_.file)) return;
        wanted_ = std::move(out);
        shown_ = true;
        attempted_ = false;
        if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    }
    wakes_.notify_all();
}

void node_notice::settle(std::chrono::milliseconds time) {
    std::unique_lock hold(lock_);
    wakes_.wait_for(hold, time, [this] { return attempted_; });
}

void node_notice::work() {
    std::unique_lock hold(lock_);
    bool done = false;
    std::vector<out_component> last;
    while (!ending_) {
        if (done && attempted_) wakes_.wait(hold, [this] { return ending_ || !attempted_; });
        else if (attempted_) wakes_.wait_for(hold, place_.again, [this] { return ending_ || !attempted_; });
        if (ending_) return;
        const auto wanted = wanted_;
        hold.unlock();
        try {
            done = tell(wanted);
        } catch (const std::exception&) {
            done = false;
        }
        hold.lock();
        if (wanted == wanted_) attempted_ = true;
        wakes_.notify_all();
    }
}

bool node_notice::tell(const std::vector<out_component>& now_out) {
    const auto before = read();
    if (before.sure && before.out == now_out) return true;
    const auto setup = place_.api();
    if (!setup) return false;
    const auto node = place_.node();
    if (node.empty()) return false;
    const kubectl_client api(*setup);
    write({before.out, false});
    json value = now_out.empty() ? json() : json(annotation_text(now_out));
    const json patch =
        json::object{{"metadata", json::object{{"annotations", json::object{{node_annotation, std::move(value)}}}}}};
    if (!api.patch_node(node, patch)) return false;
    const auto has = [](const std::vector<out_component>& all, const out_component& one) {
        return std::find(all.begin(), all.end(), one) != all.end();
    };
    const auto at = utc_text(now().wall);
    // An Event that is refused, by its rights perhaps, does not take the annotation back.
    for (const auto& one : now_out)
        if (!has(before.out, one)) (void)api.create(events, node_event(node, one, false, at));
    for (const auto& one : before.out)
        if (!has(now_out, one)) (void)api.create(events, node_event(node, one, true, at));
    write({now_out, true});
    return true;
}

node_notice::told node_notice::read() const {
    told out;
    const auto bytes = storage::read_root_file(place_.file, largest);
    const auto value = bytes ? protocol::parse_json(*bytes) : protocol::parse_json("null");
    if (!value || !value->is_object()) {
        out.sure = !is_there(place_.file);
        return out;
    }
    out.sure = value->get_bool("sure");
    const auto* list = value->find("out");
    if (list != nullptr && list->if_array() != nullptr)
        for (const auto& each : *list->if_array())
            out.out.push_back({std::string(each.get_string("name")), std::string(each.get_string("since")),
                               std::string(each.get_string("by")), std::string(each.get_string("session"))});
    return out;
}

void node_notice::write(const told& what) const {
    if (what.sure && what.out.empty()) {
        ::unlink(place_.file.c_str());
        return;
    }
    json::array list;
    for (const auto& one : what.out)
        list.push_back(json::object{{"name", one.name}, {"since", one.since}, {"by", one.by}, {"session", one.session}});
    const auto text = protocol::to_text(json(json::object{{"sure", what.sure}, {"out", std::move(list)}}));
    const auto fresh = place_.file + ".new";
    const unique_fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return;
    ::rename(fresh.c_str(), place_.file.c_str());
}

}  // namespace launcher
