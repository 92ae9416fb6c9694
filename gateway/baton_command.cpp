#include "gateway/baton_command.h"

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "gateway/session_question.h"

namespace gateway {
namespace {

using protocol::json;

struct arguments {
    session_question question;
    std::string user;
};

int ask(const arguments& a, std::string_view verb) {
    if (verb.empty()) return a.question.ask("baton", std::nullopt);
    json body = json::object{{"do", verb}};
    if (!a.user.empty()) body.set("to", a.user);
    return a.question.ask("baton", body);
}

constexpr const char* footer = R"(
Whoever runs or steps a program first has its baton; others look, pause and set
breakpoints meanwhile. In an IDE's debug console the same words do the same:
delvegate baton ask. In dlv connect: print delvegate baton ask.

Examples:
  delvegate baton scheduler                 # who has it
  delvegate baton ask scheduler
  delvegate baton give scheduler bob
  delvegate baton take scheduler            # needs the class lifecycle
  delvegate baton drop scheduler --gateway node1.example:7443

On the node, of its own gateway, it is the node's administrator who does it.

Exit codes: 0 done; 1 not, and why; 2 command line, configuration or certificate.)";

}  // namespace

void add_baton_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* baton = app.add_subcommand("baton", "Who may run and step a program that several people debug");
    const auto prepare = [a](CLI::App& command) {
        command.footer(footer);
        command.add_option("COMPONENT", a->question.component, "Its name")->required();
        a->question.add_options(command);
    };
    struct form {
        const char* verb;
        const char* what;
    };
    constexpr std::array forms{
        form{"show", "Who has it, and who asks for it; the same as without a subcommand"},
        form{"ask", "Ask for it: who has it is told, and it is yours when they give it, drop it or leave"},
        form{"give", "Hand it to USER, or to who has asked first"},
        form{"take", "Take it from whoever has it"},
        form{"drop", "Let it be anybody's"},
    };
    for (const auto& one : forms) {
        auto* command = baton->add_subcommand(one.verb, one.what);
        prepare(*command);
        const std::string verb = one.verb;
        if (verb == "give") command->add_option("USER", a->user, "Who is to have it, as `delvegate sessions` shows them");
        command->callback([a, verb, &exit_code] { exit_code = ask(*a, verb == "show" ? "" : verb); });
    }
    baton->footer(footer);
    baton->require_subcommand(0, 1);
    // `delvegate baton COMPONENT` has the options of its own subcommand.
    auto* component = baton->add_option("COMPONENT", a->question.component, "Its name");
    a->question.add_options(*baton);
    baton->callback([a, baton, component, &exit_code] {
        if (!baton->get_subcommands().empty()) return;
        if (component->count() == 0) {
            std::fprintf(stderr, "delvegate: which component? delvegate baton COMPONENT\n");
            exit_code = 2;
            return;
        }
        exit_code = ask(*a, "");
    });
}

}  // namespace gateway
