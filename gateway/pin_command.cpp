#include "gateway/pin_command.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/session_question.h"

namespace gateway {
namespace {

using protocol::json;

struct arguments {
    session_question question;
    std::vector<std::string> places;
    std::vector<std::int64_t> ids;
};

int ask(const arguments& a, std::string_view what) {
    if (a.places.empty() && a.ids.empty()) {
        if (what == "pin") return a.question.ask(what, std::nullopt);
        std::fprintf(stderr, "delvegate: which? delvegate unpin COMPONENT FILE:LINE, or --breakpoint ID\n");
        return 2;
    }
    json body = json::object{};
    if (!a.places.empty()) body.set("at", json::array(a.places.begin(), a.places.end()));
    if (!a.ids.empty()) body.set("breakpoints", json::array(a.ids.begin(), a.ids.end()));
    return a.question.ask(what, body);
}

constexpr const char* footer = R"(
A breakpoint goes 30 seconds after whoever set it has left. A pinned one stays: it
stops the program as before, for whoever is here then, and no longer than its stop
budget lets it. What a pinned logpoint writes is shown to those who follow its owner
(in a debug console: delvegate follow USER), and it stops nothing. It stays for as
long as the program does, also when the gateway is started anew, until its owner
unpins or clears it, or loses the right to have it.

It needs the classes breakpoint and control; with lifecycle one may unpin what is
another's. Without FILE:LINE, `pin` tells what is pinned. In an IDE's debug console
the same words do the same: delvegate pin main.go:42.

Examples:
  delvegate pin scheduler schedule_one.go:66
  delvegate pin scheduler --breakpoint 3       # as `breakpoints` of dlv connect lists it
  delvegate pin scheduler
  delvegate unpin scheduler schedule_one.go:66

Exit codes: 0 done; 1 not, and why; 2 command line, configuration or certificate.)";

void add(CLI::App& app, int& exit_code, const char* verb, const char* what) {
    const auto a = std::make_shared<arguments>();
    auto* command = app.add_subcommand(verb, what);
    command->footer(footer);
    command->add_option("COMPONENT", a->question.component, "Its name")->required();
    command->add_option("PLACE", a->places, "Where it is, with as much of the path as is needed")->type_name("FILE:LINE");
    command->add_option("--breakpoint", a->ids, "The breakpoint of that ID; repeatable")->type_name("ID")->expected(1);
    a->question.add_options(*command);
    const std::string which = verb;
    command->callback([a, which, &exit_code] { exit_code = ask(*a, which); });
}

}  // namespace

void add_pin_commands(CLI::App& app, int& exit_code) {
    add(app, exit_code, "pin", "Have a breakpoint of yours stay when you leave");
    add(app, exit_code, "unpin", "Let it go with its owner again");
}

}  // namespace gateway
