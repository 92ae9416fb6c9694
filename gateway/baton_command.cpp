#include "gateway/baton_command.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "gateway/ask_gateway.h"
#include "gateway/call_gateway.h"
#include "gateway/config.h"
#include "gateway/remote_lifecycle.h"
#include "gateway/status_socket.h"
#include "protocol/json.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

using protocol::json;

struct arguments {
    gateway_place here;
    laptop_place remote;
    std::string component, user;
    std::string output = "text";
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

int tell(const arguments& a, unsigned status, const std::string& body) {
    const auto said = protocol::parse_json(body, {.fold_keys = false});
    if (!said) return complain("the gateway's answer is not JSON; is it another version?", 1);
    if (status != 200) return complain(protocol::printable(said->get_string("error", "the gateway refused")), 1);
    if (a.output == "json")
        std::printf("%s\n", protocol::to_text(*said).c_str());
    else
        std::printf("%s\n", protocol::printable(said->get_string("text")).c_str());
    return 0;
}

// As start, stop and restore decide it: a gateway that was named, or this host's own, or the one it is enrolled with.
int ask(const arguments& a, std::string_view verb) {
    if (!is_dns_label(a.component)) return complain("\"" + a.component + "\" is no component's name", 2);
    const std::string path = "/v1/components/" + a.component + "/baton";
    json body = json::object{};
    if (!verb.empty()) body.set("do", verb);
    if (!a.user.empty()) body.set("to", a.user);
    const std::string text = verb.empty() ? std::string() : protocol::to_text(body);
    const bool chosen = !a.here.config_file.empty() || !a.here.runtime_directory.empty();
    if (chosen && a.remote.given()) return complain("a gateway of this host, or one by its name: not both", 2);
    const auto directory = a.here.directory();
    if (!directory) return complain(directory.error(), 2);
    const bool answers_here = ::access(status_socket_path(*directory).c_str(), F_OK) == 0;
    if (a.remote.given() || (!chosen && !answers_here && has_current_context())) {
        https_question question;
        question.path = path;
        question.method = verb.empty() ? "GET" : "POST";
        question.body = text;
        const auto reply = call_gateway(a.remote, std::move(question));
        if (!reply) return complain(reply.error().text, reply.error().code == "unreachable" ? 1 : 2);
        return tell(a, reply->status, reply->body);
    }
    const auto said = ask_gateway(*directory, path, text);
    if (!said) return complain(said.error(), 1);
    return tell(a, said->status, said->body);
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
        command.add_option("COMPONENT", a->component, "Its name")->required();
        command.add_option("--output", a->output, "text, or json for scripts")
            ->type_name("FORMAT")
            ->check(CLI::IsMember({"text", "json"}))
            ->capture_default_str();
        a->here.add_options(command);
        a->remote.add_options(command);
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
    auto* component = baton->add_option("COMPONENT", a->component, "Its name");
    baton->add_option("--output", a->output, "text, or json for scripts")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    a->here.add_options(*baton);
    a->remote.add_options(*baton);
    baton->callback([a, baton, component, &exit_code] {
        if (!baton->get_subcommands().empty()) return;
        if (component->count() == 0) {
            exit_code = complain("which component? delvegate baton COMPONENT", 2);
            return;
        }
        exit_code = ask(*a, "");
    });
}

}  // namespace gateway
