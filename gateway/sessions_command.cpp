#include "gateway/sessions_command.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "gateway/ask_gateway.h"
#include "gateway/config.h"
#include "gateway/session_question.h"
#include "gateway/sessions_report.h"
#include "gateway/utc.h"
#include "protocol/printable.h"
#include "protocol/json.h"

namespace gateway {
namespace {

using protocol::json;

struct arguments {
    session_question question;
    bool follow = false;
    std::string user, session, reason;
};

// While the node's own gateway is followed; a gateway elsewhere is heard every 15 s.
constexpr std::chrono::milliseconds look_every{500};
constexpr std::chrono::seconds silence{60};
constexpr std::size_t max_reply = 8u << 20;

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

// Asks the gateway of this host and reads the answer; a refusal becomes the error line.
int ask(const std::string& directory, std::string_view path, const std::string& body, json& answer) {
    const auto said = ask_gateway(directory, path, body);
    if (!said) return complain(said.error(), 1);
    auto parsed = protocol::parse_json(said->body, {.max_depth = 64, .fold_keys = false});
    if (!parsed) return complain("the gateway's answer is not JSON; is it another version?", 1);
    if (said->status != 200) return complain(protocol::printable(parsed->get_string("error", "the gateway refused")), 1);
    answer = std::move(*parsed);
    return 0;
}

// Shows each answer that is another than the one before.
class shown {
public:
    explicit shown(const arguments& a) : a_(a) {}

    int show(const json& answer) {
        if (!is_sessions_answer(answer)) {
            const auto error = answer.get_string("error", "the gateway's answer has no sessions; is it another version?");
            return complain(protocol::printable(error), 1);
        }
        const auto now = sessions_of(answer, a_.question.component);
        if (const auto* known = now.find("components"); !a_.question.component.empty() && known->if_array()->empty())
            return complain("there is no component " + a_.question.component + " for you here", 1);
        auto text = a_.question.output == "json" ? protocol::to_text(now) + "\n" : sessions_text(now);
        if (text == last_) return 0;
        const bool apart = a_.follow && a_.question.output == "text";
        std::printf("%s%s%s", apart ? (utc_time(std::chrono::system_clock::now()) + "\n").c_str() : "", text.c_str(), apart ? "\n" : "");
        std::fflush(stdout);
        last_ = std::move(text);
        return std::ferror(stdout) ? 1 : 0;
    }

private:
    const arguments& a_;
    std::string last_;
};

int list_elsewhere(const arguments& a) {
    shown out(a);
    std::optional<int> code;
    https_question question;
    question.path = a.follow ? "/v1/sessions/follow" : "/v1/sessions";
    question.method = "GET";
    question.max_reply = max_reply;
    if (a.follow) {
        question.time = silence;
        question.line = [&](std::string_view text) {
            const auto said = protocol::parse_json(text, {.max_depth = 64, .fold_keys = false});
            if (!said || (code && *code != 0)) return;
            code = out.show(*said);
            // Whoever reads what is shown has gone.
            if (std::ferror(stdout)) std::exit(*code);
        };
    }
    const auto reply = call_gateway(a.question.remote, std::move(question));
    if (code && *code != 0) return *code;
    if (!reply) return complain(protocol::printable(reply.error().text), reply.error().code == "unreachable" ? 1 : 2);
    if (a.follow && reply->status == 200) return complain("the gateway has ended it", 1);
    const auto said = protocol::parse_json(reply->body, {.max_depth = 64, .fold_keys = false});
    if (!said) return complain("the gateway's answer is not JSON; is it another version?", 1);
    return out.show(*said);
}

int list(const arguments& a) {
    if (!a.question.component.empty() && !is_dns_label(a.question.component))
        return complain("\"" + a.question.component + "\" is no component's name", 2);
    const auto directory = a.question.place();
    if (!directory) return complain(directory.error(), 2);
    if (!*directory) return list_elsewhere(a);
    shown out(a);
    while (true) {
        json answer;
        if (const int code = ask(**directory, "/v1/sessions", {}, answer); code != 0) return code;
        if (const int code = out.show(answer); code != 0 || !a.follow) return code;
        std::this_thread::sleep_for(look_every);
    }
}

int kill(const arguments& a) {
    if (a.user.empty() == a.session.empty()) return complain("say whom: --user NAME or --session ID", 2);
    json body = json::object{};
    if (!a.user.empty()) body.set("user", a.user);
    if (!a.session.empty()) body.set("session", a.session);
    if (!a.reason.empty()) body.set("reason", a.reason);
    const auto directory = a.question.here.directory();
    if (!directory) return complain(directory.error(), 2);
    json answer;
    if (const int code = ask(*directory, "/v1/sessions/kill", protocol::to_text(body), answer); code != 0) return code;
    if (a.question.output == "json") {
        std::printf("%s\n", protocol::to_text(answer).c_str());
        return 0;
    }
    if (!a.session.empty())
        std::printf("session %s is ended\n", protocol::printable(a.session).c_str());
    else {
        std::printf("%s: %lld sessions on %lld connections are ended; the certificate is as good as before, so revoke it "
                    "to keep %s out\n",
                    protocol::printable(a.user).c_str(), static_cast<long long>(answer.get_int("sessions")),
                    static_cast<long long>(answer.get_int("connections")), protocol::printable(a.user).c_str());
        if (const auto left = answer.get_int("breakpoints"); left > 0)
            std::printf("%lld breakpoints that they had left are cleared\n", static_cast<long long>(left));
    }
    return 0;
}

constexpr const char* footer = R"(
Examples:
  delvegate sessions
  delvegate sessions scheduler --follow
  delvegate sessions --follow --output json --gateway node1.example:7443
  delvegate sessions kill --user alice --reason "laptop stolen"
  delvegate sessions kill --session 5f0c9d2e1a7b4c38

On a laptop it shows the components that you may observe, by the gateway of the
context or of --gateway; on the node all of them. With --follow it is shown again
whenever it is otherwise, until you end it; as json, one object a line.

A session that is killed ends at once: its IDE is told why, its breakpoints go,
and a program that stood for it alone goes on.

Exit codes: 0 done; 1 no gateway answered, or there is nobody of that name;
2 command line or configuration.)";

}  // namespace

void add_sessions_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* sessions = app.add_subcommand("sessions", "Show who debugs what, live if you like, and on the node end it");
    const auto lists = [&](CLI::App& command) {
        command.footer(footer);
        a->question.add_options(command);
        command.add_option("COMPONENT", a->question.component, "Only of that one");
        command.add_flag("--follow", a->follow, "Show it again whenever it is otherwise");
    };
    lists(*sessions);
    auto* listing = sessions->add_subcommand("list", "Show them; the same as without a subcommand");
    lists(*listing);
    auto* killing = sessions->add_subcommand("kill", "End them at once");
    killing->footer(footer);
    a->question.add_output(*killing);
    a->question.here.add_options(*killing);
    auto* user = killing->add_option("--user", a->user, "Every connection of this user, as the list shows it")->type_name("NAME");
    killing->add_option("--session", a->session, "One session")->type_name("ID")->excludes(user);
    killing->add_option("--reason", a->reason, "What its people are told")->type_name("TEXT");
    sessions->require_subcommand(0, 1);
    sessions->callback([a, sessions, killing, &exit_code] {
        exit_code = sessions->got_subcommand(killing) ? kill(*a) : list(*a);
    });
}

}  // namespace gateway
