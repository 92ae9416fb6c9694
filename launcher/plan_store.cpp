#include "launcher/plan_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "launcher/fd.h"
#include "protocol/json.h"
#include "storage/trusted_file.h"

namespace launcher {

namespace {

using protocol::json;

constexpr std::size_t largest = 1u << 20;

std::string path_of(const std::string& directory, const std::string& session) {
    return directory + "/plans/" + session + ".json";
}

template <class Numbers>
json list_of(const Numbers& numbers) {
    json::array list;
    for (const auto each : numbers) list.emplace_back(static_cast<std::int64_t>(each));
    return list;
}

template <class Number>
void read_list(const json& from, std::string_view key, std::vector<Number>& to) {
    const auto* found = from.find(key);
    if (const auto* list = found != nullptr ? found->if_array() : nullptr)
        for (const auto& each : *list)
            if (const auto value = each.as_int()) to.push_back(static_cast<Number>(*value));
}

// On the disk when this returns, with its name.
outcome<void> write_durably(const std::string& directory, const std::string& path, const std::string& text) {
    const auto fresh = path + ".new";
    ::mkdir(directory.c_str(), 0700);
    const unique_fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    const bool written = fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (!written || ::fsync(fd.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0)
        return path + " could not be written: " + std::strerror(errno);
    // Its name, too, before what it is needed for is done.
    const unique_fd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || (::fsync(opened.get()) != 0 && errno != EINVAL)) return path + " could not be flushed: " + std::strerror(errno);
    return {};
}

std::string undo_text(const component_plan& plan) {
    auto text = "# Puts " + plan.definition.name + " back by hand, should delvegate be gone.\n";
    for (const auto& each : plan.undo_by_hand) text += each + "\n";
    return text;
}

}  // namespace

std::string undo_file_of(const std::string& state_directory, const std::string& session) {
    return state_directory + "/plans/" + session + ".undo";
}

outcome<void> store_plan(const std::string& state_directory, const std::string& session, const component_plan& plan) {
    json kept = json::object{};
    kept.set("name", plan.definition.name);
    kept.set("uid", static_cast<std::int64_t>(plan.process.uid));
    kept.set("gid", static_cast<std::int64_t>(plan.process.gid));
    kept.set("groups", list_of(plan.process.groups));
    kept.set("ports", list_of(plan.process.ports));
    kept.set("grace", static_cast<std::int64_t>(plan.process.grace.count()));
    kept.set("disturb", static_cast<std::int64_t>(plan.budget.disturb.count()));
    kept.set("damage", static_cast<std::int64_t>(plan.budget.damage.count()));
    kept.set("derivation", plan.budget.derivation);
    kept.set("duty", static_cast<std::int64_t>(plan.budget.duty.count()));
    if (const auto& alone = plan.alone)
        kept.set("alone", json::object{{"program", alone->program}, {"lease", alone->lease}, {"pods", alone->pods},
                                       {"node", alone->node}, {"podsKnown", alone->pods_known}, {"tolerated", alone->tolerated}});
    json::array undo;
    for (const auto& each : plan.undo_by_hand) undo.emplace_back(each);
    kept.set("undo", std::move(undo));
    const auto directory = state_directory + "/plans";
    if (auto written = write_durably(directory, undo_file_of(state_directory, session), undo_text(plan)); !written) return written;
    return write_durably(directory, path_of(state_directory, session), protocol::to_text(kept));
}

std::optional<component_plan> stored_plan(const std::string& state_directory, const std::string& session) {
    const auto bytes = storage::read_root_file(path_of(state_directory, session), largest);
    const auto kept = bytes ? protocol::parse_json(*bytes) : protocol::parse_json("null");
    if (!kept || !kept->is_object()) return {};
    component_plan plan;
    plan.definition.name = kept->get_string("name");
    plan.process.uid = static_cast<uid_t>(kept->get_int("uid"));
    plan.process.gid = static_cast<gid_t>(kept->get_int("gid"));
    read_list(*kept, "groups", plan.process.groups);
    read_list(*kept, "ports", plan.process.ports);
    plan.process.grace = std::chrono::seconds(kept->get_int("grace"));
    plan.budget.disturb = std::chrono::seconds(kept->get_int("disturb"));
    plan.budget.damage = std::chrono::seconds(kept->get_int("damage"));
    plan.budget.derivation = kept->get_string("derivation");
    if (const auto* undo = kept->find("undo"); undo != nullptr && undo->if_array() != nullptr)
        for (const auto& each : *undo->if_array())
            if (const auto* command = each.if_string()) plan.undo_by_hand.push_back(*command);
    if (const auto duty = kept->get_int("duty"); duty > 0) plan.budget.duty = std::chrono::milliseconds(duty);
    if (const auto* alone = kept->find("alone"); alone != nullptr && alone->is_object())
        plan.alone = sole_instance{std::string(alone->get_string("program")), std::string(alone->get_string("lease")),
                                   std::string(alone->get_string("pods")), std::string(alone->get_string("node")),
                                   alone->get_bool("podsKnown"), alone->get_bool("tolerated")};
    return plan;
}

void forget_plan(const std::string& state_directory, const std::string& session) {
    ::unlink(path_of(state_directory, session).c_str());
    ::unlink(undo_file_of(state_directory, session).c_str());
}

}  // namespace launcher
