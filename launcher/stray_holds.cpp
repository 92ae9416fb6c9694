#include "launcher/stray_holds.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "launcher/launcher_wire.h"
#include "launcher/stopped_unit.h"
#include "launcher/unit_drop_in.h"
#include "launcher/unit_plan.h"

namespace launcher {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_name = 63;

bool has_name(const std::vector<component_definition>& all, const std::string& name) {
    return std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
}

// Another component of that name is not to be taken for it.
std::string free_name(std::string name, const std::vector<component_definition>& known,
                      const std::vector<component_definition>& found) {
    if (!is_component_name(name)) name = component_name_for(name);
    const auto base = name.substr(0, longest_name - 8);
    for (int n = 1; has_name(known, name) || has_name(found, name); ++n)
        name = base + "-held" + (n == 1 ? "" : std::to_string(n));
    return name;
}

std::set<std::string> units_with_our_drop_in(const std::string& directory) {
    std::set<std::string> out;
    std::error_code error;
    for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
        const auto name = at->path().filename().string();
        std::error_code ignored;
        if (name.ends_with(".service.d") && fs::exists(fs::symlink_status(at->path() / drop_in_name, ignored)))
            out.insert(name.substr(0, name.size() - 2));
    }
    return out;
}

}  // namespace

std::string component_name_for(const std::string& file) {
    auto stem = file.substr(0, file.rfind('.') == 0 ? file.npos : file.rfind('.'));
    std::string out;
    for (const char c : stem) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
        if (plain) out += lower;
        else if (!out.empty() && out.back() != '-') out += '-';
    }
    out = out.substr(0, longest_name);
    while (!out.empty() && out.back() == '-') out.pop_back();
    return is_component_name(out) ? out : "held";
}

bool known_by_its_hold(const component_definition& definition) {
    return definition.kind == component_kind::static_pod && definition.binary.empty() &&
           definition.binary_directory.empty() && !definition.manifest_directory.empty();
}

bool is_hold_of(const component_definition& definition, const manifest_place& place, const held_state& state) {
    if (known_by_its_hold(definition)) return definition.manifest_directory == place.directory + "/" + place.name;
    if (state.found) return state.found->component == definition.name;
    const auto name = component_name_for(place.name);
    return name == definition.name || name == definition.pod;
}

std::vector<component_definition> stray_holds(const stray_places& where, const std::vector<component_definition>& known) {
    std::vector<component_definition> found;
    std::set<std::string> seen;  // a directory may be reached by several names
    for (const auto& directory : where.manifests) {
        std::error_code error;
        const auto real = fs::weakly_canonical(directory, error).string();
        if (error || !seen.insert(real).second) continue;
        const auto places = find_held(directory);
        if (!places) continue;
        for (const auto& place : *places) {
            const auto state = look_at_manifest(place);
            if (!state) continue;
            const bool spoken_for = std::any_of(known.begin(), known.end(), [&](const auto& each) {
                return each.kind == component_kind::static_pod && is_hold_of(each, place, *state);
            });
            if (spoken_for) continue;
            component_definition one;
            one.name = free_name(state->found ? state->found->component : component_name_for(place.name), known, found);
            one.manifest_directory = place.directory + "/" + place.name;
            found.push_back(std::move(one));
        }
    }
    auto units = units_with_our_drop_in(where.units);
    for (auto& each : stopped_units(where.state)) units.insert(std::move(each));
    for (const auto& unit : units) {
        const bool spoken_for = std::any_of(known.begin(), known.end(), [&](const auto& each) {
            return each.kind == component_kind::systemd && unit_of(each) == unit;
        });
        if (spoken_for) continue;
        component_definition one;
        one.kind = component_kind::systemd;
        const auto record = find_stopped(where.state, unit);
        one.name = free_name(record && !record->component.empty() ? record->component : component_name_for(unit), known, found);
        one.unit = unit;
        found.push_back(std::move(one));
    }
    return found;
}

}  // namespace launcher
