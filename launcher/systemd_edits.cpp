// Edits of units that systemd has not read yet.
#include <algorithm>
#include <climits>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>

#include "launcher/failed.h"
#include "launcher/systemd_bus.h"
#include "launcher/systemd_manager.h"

namespace launcher {

namespace {

using namespace systemd_bus;
namespace fs = std::filesystem;

// The property of one unit, entered up to its value.
reply get(sd_bus* bus, const char* path, const char* interface, const char* name) {
    auto request = new_call(bus, "Get", path, "org.freedesktop.DBus.Properties");
    if (request) sd_bus_message_append(request.get(), "ss", interface, name);
    return call(bus, request.get());
}

bool read_list(const reply& answer, std::vector<std::string>& into) {
    return answer.message && sd_bus_message_enter_container(answer.message.get(), 'v', "as") >= 0 &&
           read_strings(answer.message.get(), into);
}

// Names of the drop-ins that each unit has on the disk by its own name, without those that only mask another.
using drop_ins = std::map<std::string, std::set<std::string>>;

drop_ins on_disk(const std::vector<std::string>& unit_path) {
    drop_ins found, masks;
    for (const auto& place : unit_path) {
        std::error_code error;
        for (const auto& directory : fs::directory_iterator(place, error)) {
            const auto name = directory.path().filename().string();
            if (!name.ends_with(".d")) continue;
            for (const auto& file : fs::directory_iterator(directory.path(), error)) {
                if (file.path().extension() != ".conf") continue;
                std::error_code ignored;
                const bool masking = !fs::is_regular_file(file.path(), ignored) || fs::file_size(file.path(), ignored) == 0;
                (masking ? masks : found)[name.substr(0, name.size() - 2)].insert(file.path().filename());
            }
        }
    }
    for (const auto& [unit, names] : masks)
        for (const auto& name : names) found[unit].erase(name);
    return found;
}

std::set<std::string> names_of(const std::vector<std::string>& paths) {
    std::set<std::string> names;
    for (const auto& path : paths) names.insert(fs::path(path).filename());
    return names;
}

bool knows_all(const std::vector<std::string>& loaded, const std::set<std::string>& names) {
    const auto known = names_of(loaded);
    return std::includes(known.begin(), known.end(), names.begin(), names.end());
}

// Those that apply to a unit: by its own name, by the beginnings of it that end in a dash, and by its kind.
std::set<std::string> applying(const drop_ins& disk, const std::string& unit) {
    std::set<std::string> names;
    const auto add = [&](const std::string& directory) {
        if (const auto found = disk.find(directory); found != disk.end()) names.insert(found->second.begin(), found->second.end());
    };
    const auto kind = unit.rfind('.');
    add(unit);
    add(unit.substr(kind + 1));
    for (std::size_t at = unit.find('-'); at < kind; at = unit.find('-', at + 1)) add(unit.substr(0, at + 1) + unit.substr(kind));
    return names;
}

bool is_true(const reply& answer) {
    int yes = 0;
    return answer.message && sd_bus_message_read(answer.message.get(), "v", "b", &yes) >= 0 && yes != 0;
}

}  // namespace

outcome<std::vector<std::string>> systemd_manager::units_needing_reload() {
    const auto fault = [](const std::string& why) {
        return failed<std::vector<std::string>>("systemd does not list its units: " + why);
    };
    constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
    auto bus = systemd_bus::open(scope_);
    if (!bus) return fault(bus.error());
    std::vector<std::string> places;
    const auto search = get(bus->get(), manager_path, manager_interface, "UnitPath");
    if (!read_list(search, places)) return fault(search.error);
    const auto disk = on_disk(places);

    const auto answer = call(bus->get(), new_call(bus->get(), "ListUnits").get());
    if (!answer.message) return fault(answer.error);
    auto* list = answer.message.get();
    if (sd_bus_message_enter_container(list, 'a', "(ssssssouso)") < 0) return fault("its answer is not understood");
    std::vector<std::string> found;
    const char *id, *words, *load, *active, *sub, *following, *path, *job_type, *job_path;
    std::uint32_t job = 0;
    int r = 0;
    while ((r = sd_bus_message_read(list, "(ssssssouso)", &id, &words, &load, &active, &sub, &following, &path, &job,
                                    &job_type, &job_path)) > 0) {
        if (std::string_view(load) != "loaded") continue;
        const auto needed = get(bus->get(), path, unit_interface, "NeedDaemonReload");
        if (!needed.message) {
            // It may have been unloaded since the list was made.
            if (needed.is("NoSuchUnit") || needed.is("UnknownObject")) continue;
            return fault(needed.error);
        }
        int yes = 0;
        if (sd_bus_message_read(needed.message.get(), "v", "b", &yes) < 0) return fault("its answer is not understood");
        const auto mine = disk.find(id);
        std::vector<std::string> loaded;
        if (yes == 0 && mine != disk.end()) {
            yes = read_list(get(bus->get(), path, unit_interface, "DropInPaths"), loaded) &&
                  !knows_all(loaded, mine->second);
        } else if (yes != 0 && is_true(get(bus->get(), path, unit_interface, "Transient"))) {
            // Of a transient unit systemd writes the drop-ins itself, in the order in which it was told, and then takes the
            // order of their names for an edit: so every container of runc's looks edited for as long as it runs.
            yes = !read_list(get(bus->get(), path, unit_interface, "DropInPaths"), loaded) ||
                  names_of(loaded) != applying(disk, id);
        }
        if (yes != 0) found.emplace_back(id);
    }
    if (r < 0) return fault("its answer is not understood");
    return found;
}

}  // namespace launcher
