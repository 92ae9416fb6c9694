// A stop that somebody holds on purpose: root's limit is the definition's, and the guard, which knows the one it was started
// with, keeps the time.
#include <ctime>

#include "launcher/config_values.h"
#include "launcher/debuggee_unit.h"
#include "launcher/engine.h"
#include "launcher/guard_control.h"

namespace launcher {

namespace {

using protocol::json;
using protocol::op_class;

constexpr std::chrono::seconds patience{2};

}  // namespace

outcome<parked_stop> engine::park(const std::string& name, const std::string& session, std::chrono::seconds time, const parked_stop& what) {
    const auto no = [](std::string why) { return outcome<parked_stop>(boost::system::in_place_error, std::move(why)); };
    const auto definition = definition_of(name);
    if (!definition) return no(definition.error());
    const auto row = row_of(name);
    if (!row) return no(row.error());
    if (!*row || (*row)->id != session || (*row)->step != journal_step::running) return no(name + " does not run under dlv in that session");
    if (!ceiling_of(**row).has(op_class::control)) return no(name + " is not to be held: what the gateway may do there does not hold control any more");
    const auto limit = (*definition)->park;
    if (limit.count() == 0) return no("stops of " + name + " may not be parked: root says for how long in launcher.yaml, key `park`");
    if (time > limit) return no(name + " may be parked for at most " + format_duration(limit) + " (launcher.yaml: park)");
    json request = json::object{{"verb", "park"}, {"by", what.by}, {"note", what.note}, {"stop", what.stop}};
    request.set("seconds", std::int64_t{(time.count() > 0 ? time : limit).count()});
    const auto answer = ask_guard(files_of(configuration_, name, (*row)->id).control, request, patience);
    if (!answer) return no(answer.error());
    parked_stop out = what;
    out.until = std::time(nullptr) + answer->get_int("parkedMs") / 1000;
    return outcome<parked_stop>(boost::system::in_place_value, std::move(out));
}

}  // namespace launcher
