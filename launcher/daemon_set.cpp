#include "launcher/daemon_set.h"

#include <ctime>
#include <filesystem>
#include <thread>

#include "launcher/daemon_set_patch.h"
#include "launcher/daemon_set_pod.h"
#include "launcher/failed.h"
#include "launcher/own_host.h"
#include "launcher/plan_store.h"
#include "launcher/moment.h"
#include "launcher/port_use.h"
#include "storage/trusted_file.h"

namespace launcher {

using protocol::json;

namespace {

namespace fs = std::filesystem;

constexpr int attempts = 8;  // of a patch, while others edit the same object
constexpr auto between_attempts = std::chrono::milliseconds(300);
constexpr std::int64_t look_interval = 30;  // seconds between looks at the DaemonSet while it is out
constexpr std::size_t largest_book = 1u << 20;

std::int64_t wall_now() { return now().wall; }

kubectl_setup setup_of(const component_definition& definition, const launcher_config& configuration) {
    kubectl_setup out;
    out.program = configuration.kubectl;
    out.kubeconfig = definition.kubeconfig;
    out.cache_directory = configuration.runtime_directory + "/.kubectl";
    return out;
}

}  // namespace

daemon_set::daemon_set(const component_definition& definition, const launcher_config& configuration)
    : definition_(definition), configuration_(configuration), api_(setup_of(definition, configuration)),
      directory_(configuration.runtime_directory + "/.files/" + definition.name),
      volumes_directory_(configuration.runtime_directory + "/.volumes/" + definition.name) {}

std::string daemon_set::object_path() const {
    return "/apis/apps/v1/namespaces/" + definition_.name_space + "/daemonsets/" + definition_.daemon_set;
}

outcome<json> daemon_set::pods_on_node(const json& object, const std::string& node) const {
    const auto selector = selector_text(object);
    if (!selector) return failed<json>(what() + ": " + selector.error());
    return api_.need("/api/v1/namespaces/" + definition_.name_space + "/pods?labelSelector=" + query_text(*selector) +
                         "&fieldSelector=" + query_text("spec.nodeName=" + node),
                     "list of its pods");
}

std::string daemon_set::node_of(const std::optional<detachment>& row) {
    if (row && !row->node.empty())
        if (const auto value = protocol::parse_json(row->node); value && !value->get_string("nodeName").empty())
            return std::string(value->get_string("nodeName"));
    if (node_.empty()) find_node();
    return node_;
}

void daemon_set::adopt(const std::optional<detachment>& row) {
    if (!row || row->kind != component_kind::daemon_set) return;
    const fs::path object = row->target_file;  // daemonset/NAMESPACE/NAME
    if (row->target_file.starts_with("daemonset/") && std::distance(object.begin(), object.end()) == 3) {
        definition_.name_space = object.parent_path().filename();
        definition_.daemon_set = object.filename();
    }
    const auto written = protocol::parse_json(row->node);
    if (!written) return;
    if (const auto file = written->get_string("kubeconfig"); file.starts_with('/') && file != definition_.kubeconfig) {
        definition_.kubeconfig = file;
        api_ = kubectl_client(setup_of(definition_, configuration_));
    }
}

outcome<void> daemon_set::prepare(const component_plan& plan) {
    for (const auto& each : host_paths_)
        if (auto fine = create_host_path(each); !fine) return fine;
    if (auto made = make_empty_volumes(volumes_directory_, plan.process.mounts); !made) return made;
    if (auto made = write_made_files(directory_, made_, plan.process.uid, plan.process.gid); !made) return made;
    auto book = book_of(made_, directory_, definition_.name_space, account_, plan.process.uid, plan.process.gid);
    const auto make = [this](const std::string& path, const json& body) { return api_.create(path, body); };
    if (auto fresh = refresh_tokens(book, wall_now(), make); !fresh) return fresh;
    book.look_at = wall_now() + look_interval;
    return store(book);
}

outcome<void> daemon_set::store(const token_book& book) const {
    return write_private_file(directory_ + ".tokens", protocol::to_text(to_json(book)), 0, 0);
}

std::optional<token_book> daemon_set::stored_book() const {
    const auto bytes = storage::read_root_file(directory_ + ".tokens", largest_book);
    if (!bytes) return std::nullopt;
    const auto value = protocol::parse_json(*bytes);
    return value ? token_book_from(*value) : std::nullopt;
}

void daemon_set::remove_files() const {
    std::error_code error;
    fs::remove_all(directory_, error);
    fs::remove(directory_ + ".tokens", error);
    fs::remove_all(volumes_directory_, error);
}

outcome<detachment_changes> daemon_set::intend(const component_plan&, const stand_in& who) {
    record_.session = who.session;
    record_.by = who.by;
    record_.undo = undo_file_of(configuration_.state_directory, who.session);
    record_.since = utc_text(wall_now());
    detachment_changes changes;
    changes.target_file = "daemonset/" + definition_.name_space + "/" + definition_.daemon_set;
    changes.target_hash = revision_;
    changes.node = protocol::to_text(json(json::object{
        {"nodeName", node_}, {"kubeconfig", definition_.kubeconfig}, {"record", record_text(record_)}}));
    return changes;
}

outcome<void> daemon_set::take_out(const component_plan&, const stand_in& who) {
    std::string last;
    for (int i = 0; i < attempts; ++i) {
        if (i > 0) std::this_thread::sleep_for(between_attempts);
        const auto object = api_.need(object_path(), what());
        if (!object) return error_text(object.error());
        const auto state = state_of_node(*object, node_);
        // An answer that was lost is no reason to do it again.
        if (state.whole() && state.record->session == who.session) return {};
        const auto patch = patch_out(*object, record_);
        if (!patch) return what() + ": " + patch.error();
        const auto done = api_.patch_daemon_set(definition_.name_space, definition_.daemon_set, *patch);
        if (done && state_of_node(*done, node_).whole()) return {};
        last = done ? what() + " was patched, and the API server keeps another one: an admission webhook?" : done.error();
    }
    return last;
}

outcome<std::string> daemon_set::remains(const component_plan& plan) {
    for (const auto& each : before_)
        if (still_runs(each)) return text("its process " + std::to_string(each.pid));
    const auto answer = running_containers(cri_endpoint_, definition_.name_space, container_);
    if (!answer) return error_text(answer.error());
    if (!answer->running.empty()) return text("its container " + answer->running.front().substr(0, 12));
    if (const auto taken = ports_in_use(plan.process.ports); !taken.empty())
        return text("a listener at its port " + std::to_string(taken.front()));
    // Asked last: it is the dearest, and what it says comes after the fact.
    const auto object = api_.get(object_path());
    if (!object || !*object) return text({});
    const auto pods = pods_on_node(**object, node_);
    if (!pods) return text({});
    const json* ending = nullptr;
    if (pod_of_node(*pods, **object, node_, &ending) != nullptr) return text("its pod on node " + node_);
    return text(ending != nullptr ? "its pod, which the kubelet is ending" : "");
}

outcome<void> daemon_set::look(const std::optional<detachment>& row, found_on_disk& found) {
    using patch = found_on_disk::patch_state;
    adopt(row);
    const auto node = node_of(row);
    const auto object = api_.get(object_path());
    if (!object) {
        found.patch = patch::unreachable;
        found.trouble = object.error();
        return {};
    }
    if (!*object) return {};  // somebody has removed it: there is nothing to undo
    const auto state = state_of_node(**object, node);
    // Of another host, or of another component that is of the same DaemonSet: theirs to put back.
    const auto stranger = [](const std::string& whose, const std::string& me) { return !whose.empty() && whose != me; };
    if (state.record && (stranger(state.record->component, definition_.name) || stranger(state.record->machine, machine_id())))
        return {};
    // A requirement without a record may be anybody's; with a session of ours under way it is what is left of it.
    const bool ours = state.annotated || (state.kept_out && row && row->step >= journal_step::detaching &&
                                          row->step != journal_step::returned);
    found.patch = !ours ? patch::none : state.whole() ? patch::ours : patch::changed;
    return {};
}

outcome<put_back_summary> daemon_set::put_back(const std::optional<detachment>& row, const recovery_decision& decision) {
    using action = recovery_decision::patch_action;
    put_back_summary summary;
    if (decision.patch == action::hold_and_report) return summary;
    adopt(row);
    const auto node = node_of(row);
    const bool forget = decision.patch == action::forget;
    std::optional<node_out> remembered;
    if (const auto written = row ? protocol::parse_json(row->node) : protocol::parse_json("null"); written)
        remembered = read_record(std::string(written->get_string("record")));
    std::string last;
    bool done = decision.patch != action::undo && !forget;
    summary.theirs_kept = forget;
    for (int i = 0; i < attempts && !done; ++i) {
        if (i > 0) std::this_thread::sleep_for(between_attempts);
        const auto object = api_.get(object_path());
        if (!object) return error_text(object.error());
        if (!*object) {
            summary.theirs_kept = true;
            summary.remarks = {"somebody has removed the " + what()};
            done = true;
            continue;
        }
        const auto plan = forget ? patch_back_plan{patch_forget(**object, node), false, {}} : patch_back(**object, node, remembered);
        if (plan.patch.if_array()->empty()) {
            done = true;  // by an answer that was lost
            continue;
        }
        const auto patched = api_.patch_daemon_set(definition_.name_space, definition_.daemon_set, plan.patch);
        if (patched) {
            summary.remarks = plan.remarks;
            done = !state_of_node(*patched, node).annotated;
        }
        last = patched ? what() + " was patched, and the API server keeps another one: an admission webhook?" : patched.error();
    }
    if (!done) return error_text(last);
    remove_files();
    return summary;
}

outcome<std::string> daemon_set::missing(const std::optional<detachment>& row) {
    adopt(row);
    const auto node = node_of(row);
    const auto object = api_.get(object_path());
    if (!object) return error_text(object.error());
    if (!*object) return text({});  // somebody has removed it: nothing will ever come back
    const auto pods = pods_on_node(**object, node);
    if (!pods) return error_text(pods.error());
    const auto* pod = pod_of_node(*pods, **object, node);
    if (pod == nullptr) return text("its controller has not made the pod on node " + node + " yet");
    if (!is_ready(*pod)) return text("its pod on node " + node + " is not ready yet");
    return text({});
}

outcome<void> daemon_set::tend(const detachment& row) {
    adopt(row);
    auto book = stored_book();
    if (!book) book.emplace();  // what the DaemonSet says is looked at all the same
    const auto at = wall_now();
    const bool looks = book->look_at <= at;
    if (!looks && !any_due(*book, at)) return {};
    const auto make = [this](const std::string& path, const json& body) { return api_.create(path, body); };
    // What could not be had is asked for again in a while; a process without it gets its 401 and tries again, too.
    (void)refresh_tokens(*book, at, make);
    if (looks) book->look_at = at + look_interval;
    (void)store(*book);
    if (!looks) return {};
    const auto node = node_of(row);
    const auto object = api_.get(object_path());
    if (!object) return {};  // that it does not answer says nothing
    if (!*object) return "somebody has removed the " + what();
    if (!state_of_node(**object, node).everywhere)
        return "somebody has changed the " + what() + ", and its pod returns to node " + node;
    return {};
}

std::unique_ptr<detacher> make_daemon_set(const component_definition& definition, const launcher_config& configuration) {
    return std::make_unique<daemon_set>(definition, configuration);
}

}  // namespace launcher
