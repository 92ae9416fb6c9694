#include "launcher/guard_words.h"

#include <array>

namespace launcher {

namespace {

using protocol::json;
using protocol::op_class;

constexpr std::array all_classes{op_class::observe, op_class::read,   op_class::trace, op_class::breakpoint,
                                 op_class::control, op_class::mutate, op_class::files, op_class::lifecycle};

std::int64_t number(std::chrono::milliseconds t) { return t.count(); }

}  // namespace

json class_names(protocol::class_set set) {
    json::array names;
    for (const op_class c : all_classes)
        if (set.has(c)) names.emplace_back(to_string(c));
    return names;
}

outcome<protocol::class_set> classes_of(const json& names) {
    protocol::class_set set;
    const auto* list = names.if_array();
    if (!list) return std::string("a ceiling is a list of classes");
    for (const json& name : *list) {
        bool known = false;
        for (const op_class c : all_classes) {
            if (!name.if_string() || *name.if_string() != to_string(c)) continue;
            set.add(c);
            known = true;
        }
        if (!known) return "unknown class " + to_text(name) + " in a ceiling";
    }
    return set;
}

json to_json(const guard_status& s) {
    json j = json::object{};
    j.set("state", s.state);
    j.set("stoppedForMs", number(s.stopped_for));
    j.set("spentMs", number(s.spent));
    j.set("leftMs", number(s.left));
    j.set("budget", s.budget);
    j.set("counting", s.counting);
    j.set("atEntry", s.at_entry);
    j.set("entryForMs", number(s.entry_for));
    j.set("ceiling", class_names(s.ceiling));
    j.set("gatewayAlive", s.gateway_alive);
    j.set("breakpointsOff", s.breakpoints_off);
    j.set("dutyDone", s.duty_done);
    j.set("forcedResumes", s.forced_resumes);
    j.set("stopsRefused", s.stops_refused);
    j.set("keptOffMs", number(s.kept_off));
    if (s.parked.count() > 0) {
        j.set("parkedMs", number(s.parked));
        j.set("parkedBy", s.park.by);
        j.set("parkedNote", s.park.note);
        j.set("parkedStop", s.park.stop);
    }
    j.set("connections", s.connections);
    j.set("refusals", s.refusals);
    j.set("taken", s.taken.is_null() ? json(json::array{}) : s.taken);
    return j;
}

guard_status status_from(const json& j) {
    guard_status s;
    const auto ms = [&](std::string_view key) { return std::chrono::milliseconds(j.get_int(key)); };
    s.state = j.get_string("state", "unknown");
    s.stopped_for = ms("stoppedForMs");
    s.spent = ms("spentMs");
    s.left = ms("leftMs");
    s.budget = j.get_string("budget", "fine");
    s.counting = j.get_bool("counting");
    s.at_entry = j.get_bool("atEntry");
    s.entry_for = ms("entryForMs");
    if (const json* names = j.find("ceiling"))
        if (const auto read = classes_of(*names)) s.ceiling = *read;
    s.gateway_alive = j.get_bool("gatewayAlive");
    s.breakpoints_off = j.get_bool("breakpointsOff");
    s.duty_done = j.get_bool("dutyDone", true);
    s.forced_resumes = static_cast<std::uint64_t>(j.get_int("forcedResumes"));
    s.stops_refused = static_cast<std::uint64_t>(j.get_int("stopsRefused"));
    s.kept_off = ms("keptOffMs");
    s.parked = ms("parkedMs");
    s.park = {std::string(j.get_string("parkedBy")), std::string(j.get_string("parkedNote")), std::string(j.get_string("parkedStop"))};
    s.connections = static_cast<std::uint64_t>(j.get_int("connections"));
    s.refusals = static_cast<std::uint64_t>(j.get_int("refusals"));
    if (const json* taken = j.find("taken")) s.taken = *taken;
    return s;
}

}  // namespace launcher
