#include "launcher/unit_dependents.h"

#include <set>

#include "launcher/failed.h"
#include "launcher/systemd_bus.h"
#include "protocol/json.h"

namespace launcher {

namespace {

using namespace systemd_bus;

constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
constexpr const char* stopped_with_it[] = {"RequiredBy", "BoundBy", "ConsistsOf"};
constexpr std::size_t most = 64;
constexpr auto patience = std::chrono::seconds(20);  // its start goes on without us afterwards

// The strings of one property; none where the unit does not have it.
outcome<std::vector<std::string>> strings_of(systemd_manager& systemd, const std::string& unit, const char* property) {
    using names = std::vector<std::string>;
    const auto fault = [&](const std::string& why) {
        return failed<names>("systemd does not tell what depends on " + unit + ": " + why);
    };
    auto bus = systemd_bus::open(systemd.scope());
    if (!bus) return fault(bus.error());
    auto load = new_call(bus->get(), "LoadUnit");
    if (load) sd_bus_message_append(load.get(), "s", unit.c_str());
    const auto loaded = call(bus->get(), load.get());
    const char* path = nullptr;
    if (!loaded.message) return fault(loaded.error);
    if (sd_bus_message_read(loaded.message.get(), "o", &path) < 0) return fault("its answer is not understood");
    auto get = new_call(bus->get(), "Get", path, "org.freedesktop.DBus.Properties");
    if (get) sd_bus_message_append(get.get(), "ss", unit_interface, property);
    const auto answer = call(bus->get(), get.get());
    if (!answer.message) return fault(answer.error);
    names out;
    if (sd_bus_message_enter_container(answer.message.get(), 'v', "as") < 0 || !read_strings(answer.message.get(), out))
        return fault("its answer is not understood");
    return outcome<names>(boost::system::in_place_value, std::move(out));
}

}  // namespace

outcome<std::vector<std::string>> running_dependents(systemd_manager& systemd, const std::string& unit) {
    using names = std::vector<std::string>;
    std::set<std::string> seen{unit}, running;
    names left{unit};
    while (!left.empty()) {
        const auto one = left.back();
        left.pop_back();
        for (const auto* property : stopped_with_it) {
            const auto found = strings_of(systemd, one, property);
            if (!found) return failed<names>(found.error());
            for (const auto& each : *found) {
                if (each.ends_with(".target") || each.starts_with("delvegate-") || !seen.insert(each).second) continue;
                if (seen.size() > most) return failed<names>("more than 64 units are stopped together with " + unit);
                // Kinds that check_unit_name does not know (mounts, sockets) are not ours to start again either.
                const auto state = each.ends_with(".service") ? systemd.properties(each) : failed<unit_properties>("");
                if (!state || !(state->is_active() || state->active_state == "activating")) continue;
                running.insert(each);
                left.push_back(each);
            }
        }
    }
    return outcome<names>(boost::system::in_place_value, names(running.begin(), running.end()));
}

std::vector<std::string> start_dependents(systemd_manager& systemd, const std::vector<std::string>& units) {
    std::vector<std::string> told;
    for (const auto& unit : units) {
        const auto state = systemd.properties(unit);
        if (state && state->is_active()) continue;
        (void)systemd.reset_failed(unit);
        if (const auto started = systemd.start(unit, patience); !started)
            told.push_back(unit + ", which was stopped with it, does not start again: " + started.error());
    }
    return told;
}

std::string dependents_text(const std::vector<std::string>& units) {
    if (units.empty()) return {};
    return protocol::to_text(protocol::json(
        protocol::json::object{{"dependents", protocol::json::array(units.begin(), units.end())}}));
}

std::vector<std::string> dependents_in(const std::string& text) {
    std::vector<std::string> out;
    const auto value = protocol::parse_json(text);
    const auto* list = value ? value->find("dependents") : nullptr;
    if (list != nullptr && list->if_array() != nullptr)
        for (const auto& each : *list->if_array())
            if (each.if_string() != nullptr && check_unit_name(*each.if_string())) out.push_back(*each.if_string());
    return out;
}

}  // namespace launcher
