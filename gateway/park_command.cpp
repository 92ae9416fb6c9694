#include "gateway/park_command.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "gateway/hub_park.h"
#include "gateway/session_question.h"

namespace gateway {
namespace {

using protocol::json;

struct arguments {
    session_question question;
    std::string note, time;
};

int park(const arguments& a) {
    const auto complain = [](const std::string& text) {
        std::fprintf(stderr, "delvegate: %s\n", text.c_str());
        return 2;
    };
    if (a.note.empty() && !a.time.empty()) return complain("say why it is parked: --note");
    if (a.note.empty()) return a.question.ask("park", std::nullopt);
    if (!read_note(a.note)) return complain("--note must say why it is parked, in at most " + std::to_string(hub_park::max_note) + " bytes");
    if (!read_park_time(a.time)) return complain("--for must be a time from 1s to 7d, such as 10m");
    json body = json::object{{"note", a.note}};
    if (!a.time.empty()) body.set("for", a.time);
    return a.question.ask("park", body);
}

constexpr const char* park_footer = R"(
A parked stop stands for longer than the stop budget lets it: for as long as the
component allows (`park` in gateway.yaml, or in root's launcher.yaml), or as --for
says. Everybody is told, with the note. It ends when somebody runs the program,
with `delvegate unpark`, or when its time is over; a gateway that dies meanwhile
does not end it where the launcher's guard keeps it. It needs the class control,
and the baton, if somebody has it. In an IDE's debug console: delvegate park NOTE.

Without --note it only tells whether a stop is parked.

Examples:
  delvegate park scheduler --note "look at queue.items, Bob" --for 30m
  delvegate park scheduler
  delvegate connect scheduler --stop 17-3f9c    # a colleague, to that very stop

Exit codes: 0 done; 1 not, and why; 2 command line, configuration or certificate.)";

constexpr const char* unpark_footer = R"(
The program goes on. So it does when whoever may run it runs or steps it.

Examples:
  delvegate unpark scheduler

Exit codes: 0 done; 1 not, and why; 2 command line, configuration or certificate.)";

}  // namespace

void add_park_commands(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* park_it = app.add_subcommand("park", "Hold a stop on purpose, with a note for the others");
    park_it->footer(park_footer);
    park_it->add_option("COMPONENT", a->question.component, "Its name")->required();
    park_it->add_option("--note", a->note, "Why it stands: one line, told to everybody")->type_name("TEXT");
    park_it->add_option("--for", a->time, "For how long, such as 10m; without it, for as long as the component allows")->type_name("TIME");
    a->question.add_options(*park_it);
    park_it->callback([a, &exit_code] { exit_code = park(*a); });
    const auto u = std::make_shared<arguments>();
    auto* unpark = app.add_subcommand("unpark", "Let a parked program go on");
    unpark->footer(unpark_footer);
    unpark->add_option("COMPONENT", u->question.component, "Its name")->required();
    u->question.add_options(*unpark);
    unpark->callback([u, &exit_code] { exit_code = u->question.ask("unpark", json(json::object{})); });
}

}  // namespace gateway
