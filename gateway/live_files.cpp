#include "gateway/live_files.h"

#include <algorithm>
#include <utility>

#include "gateway/log.h"
#include "protocol/printable.h"
#include "gateway/utc.h"

namespace gateway {

using protocol::json;

live_files::live_files(boost::asio::io_context& io, file_watch::settings how)
    : watch_(io,
             [this](const std::set<std::string>& changed) {
                 for (auto& one : items_)
                     if (std::any_of(one.paths.begin(), one.paths.end(),
                                     [&](const auto& path) { return changed.contains(path); }))
                         load(one);
             },
             how) {}

void live_files::add(std::string name, std::vector<std::string> paths, std::function<auth::outcome<void>()> load) {
    items_.push_back({std::move(name), std::move(paths), std::move(load)});
}

void live_files::start() {
    std::set<std::string> paths;
    for (const auto& one : items_) paths.insert(one.paths.begin(), one.paths.end());
    watch_.watch(paths);
}

void live_files::reload_all() {
    for (auto& one : items_) load(one);
}

void live_files::load(item& one) {
    const auto now = std::chrono::system_clock::now();
    if (auto done = one.load(); !done) {
        ++one.failures;
        if (one.error.empty()) one.failing_since = now;
        one.error = protocol::printable(done.error());
        log().error("{} was not reloaded, what was read at {} stays in effect: {}", one.name, utc_time(one.since), one.error);
        return;
    }
    ++one.reloads;
    one.error.clear();
    one.since = now;
    log().info("{} reloaded", one.name);
}

json live_files::describe() const {
    json::array all;
    for (const auto& one : items_) {
        json entry = json::object{};
        entry.set("name", one.name);
        json::array files;
        for (const auto& path : one.paths) files.emplace_back(path);
        entry.set("files", std::move(files));
        entry.set("since", utc_time(one.since));
        entry.set("reloads", one.reloads);
        entry.set("failures", one.failures);
        if (!one.error.empty()) {
            entry.set("failingSince", utc_time(one.failing_since));
            entry.set("error", one.error);
        }
        all.push_back(std::move(entry));
    }
    return all;
}

std::vector<live_files::count> live_files::counts() const {
    std::vector<count> all;
    for (const auto& one : items_) all.push_back({one.name, one.reloads, one.failures, !one.error.empty()});
    return all;
}

std::uint64_t live_files::failures() const {
    std::uint64_t sum = 0;
    for (const auto& one : items_) sum += one.failures;
    return sum;
}

}  // namespace gateway
