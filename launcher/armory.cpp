#include "launcher/armory.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include "launcher/fd.h"
#include "launcher/launcher_wire.h"
#include "launcher/state_lock.h"
#include "protocol/json.h"
#include "storage/fd.h"
#include "storage/trusted_file.h"

namespace launcher {
namespace {

using protocol::json;
using std::chrono::milliseconds;

constexpr const char* name = "armed.json";
constexpr const char* beside = ".armed.json.new";
constexpr std::size_t max_file = 64 * 1024;
constexpr int version = 1;

std::string errno_text() { return std::generic_category().message(errno); }

}  // namespace

boot_clock boot_clock::real() {
    boot_clock out;
    out.now = [] {
        timespec at{};
        ::clock_gettime(CLOCK_BOOTTIME, &at);
        return milliseconds(std::int64_t{at.tv_sec} * 1000 + at.tv_nsec / 1'000'000);
    };
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::getline(file, out.boot_id);
    return out;
}

armory::armory(std::string directory, boot_clock clock) : directory_(std::move(directory)), clock_(std::move(clock)) { load(); }

void armory::load() {
    const std::string file = directory_ + "/" + name;
    if (::access(file.c_str(), F_OK) != 0 && errno == ENOENT) return;
    const auto wrong = [&](const std::string& why) {
        entries_.clear();
        warning_ = "nothing is armed: " + why;
    };
    const auto bytes = storage::read_root_file(file, max_file);
    if (!bytes) return wrong(bytes.error());
    const auto parsed = protocol::parse_json(*bytes, {.max_depth = 4, .fold_keys = true});
    const json* list = parsed ? parsed->find("armed") : nullptr;
    if (!list || !list->if_array() || parsed->get_int("version") != version) return wrong(file + " is not what delvegate wrote; remove it");
    // Another boot's time says nothing here; without an id every boot is another.
    if (clock_.boot_id.empty() || parsed->get_string("bootId") != clock_.boot_id) return;
    for (const json& one : *list->if_array()) {
        const std::string component(one.get_string("component"));
        const std::int64_t until = one.get_int("untilBootMs", -1);
        if (!is_component_name(component) || until < 0) return wrong(file + " is not what delvegate wrote; remove it");
        entries_[component] = {milliseconds(until), std::string(one.get_string("by")), one.get_bool("disarmed")};
    }
}

outcome<void> armory::save() const {
    json::array list;
    // What is over as well: a session that was started while it was armed is closed by it.
    for (const auto& [component, one] : entries_) {
        json each = json::object{{"component", component}, {"untilBootMs", std::int64_t{one.until.count()}}, {"by", one.by}};
        if (one.disarmed) each.set("disarmed", true);
        list.push_back(std::move(each));
    }
    const std::string text =
        protocol::to_text(json::object{{"version", version}, {"bootId", clock_.boot_id}, {"armed", std::move(list)}}) + "\n";
    const auto directory = make_root_directory(directory_, 0700);
    if (!directory) return directory.error();
    const int in = directory->get();
    ::unlinkat(in, beside, 0);
    unique_fd fd(::openat(in, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    const bool fine = fd && storage::write_all(fd.get(), text) == 0 && ::fsync(fd.get()) == 0 && ::renameat(in, beside, in, name) == 0 &&
                      ::fsync(in) == 0;
    if (fine) return {};
    const std::string why = errno_text();
    ::unlinkat(in, beside, 0);
    return directory_ + "/" + name + " cannot be written: " + why;
}

outcome<void> armory::arm(const std::string& component, std::chrono::seconds duration, const std::string& by) {
    const std::lock_guard hold(lock_);
    const auto before = entries_.find(component) == entries_.end() ? std::optional<entry>() : entries_[component];
    entries_[component] = {clock_.now() + duration, by, false};
    auto saved = save();
    if (saved) return saved;
    if (before)
        entries_[component] = *before;
    else
        entries_.erase(component);
    return saved;
}

outcome<void> armory::disarm(const std::string& component) {
    const std::lock_guard hold(lock_);
    entries_[component] = {clock_.now(), {}, true};
    return save();
}

std::optional<arming> armory::latest(const std::string& component) const {
    const std::lock_guard hold(lock_);
    const auto found = entries_.find(component);
    if (found == entries_.end()) return std::nullopt;
    return arming{found->second.until, found->second.disarmed};
}

std::optional<milliseconds> armory::left(const std::string& component) const {
    const std::lock_guard hold(lock_);
    const auto found = entries_.find(component);
    if (found == entries_.end()) return std::nullopt;
    const auto rest = found->second.until - clock_.now();
    if (rest <= milliseconds(0)) return std::nullopt;
    return rest;
}

}  // namespace launcher
