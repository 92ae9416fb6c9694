#include "gateway/sessions_command.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "gateway/ask_gateway.h"
#include "protocol/printable.h"
#include "protocol/json.h"

namespace gateway {
namespace {

using protocol::json;

struct arguments {
    gateway_place where;
    std::string output = "text";
    std::string user, session, reason;
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

// Columns as wide as their widest entry.
std::string table(const json& sessions) {
    constexpr std::array columns{"session", "user", "component", "protocol", "address", "since", "certificateEnds"};
    constexpr std::array heads{"SESSION", "USER", "COMPONENT", "PROTOCOL", "FROM", "SINCE", "CERTIFICATE ENDS"};
    std::vector<std::vector<std::string>> rows{{heads.begin(), heads.end()}};
    for (const json& one : *sessions.if_array()) {
        std::vector<std::string> row;
        for (const std::string_view column : columns) {
            row.push_back(protocol::printable(one.get_string(column)));
            if (column == "address" && one.find("awaySince")) row.back() += " (link down)";
        }
        rows.push_back(std::move(row));
    }
    std::array<std::size_t, columns.size()> widths{};
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    std::string out;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i + 1 < row.size(); ++i) out += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
        out += row.back() + "\n";
    }
    return out;
}

// Asks and reads the answer; a refusal becomes the error line.
int ask(const arguments& a, std::string_view path, const std::string& body, json& answer) {
    const auto directory = a.where.directory();
    if (!directory) return complain(directory.error(), 2);
    const auto said = ask_gateway(*directory, path, body);
    if (!said) return complain(said.error(), 1);
    auto parsed = protocol::parse_json(said->body, {.fold_keys = false});
    if (!parsed) return complain("the gateway's answer is not JSON; is it another version?", 1);
    if (said->status != 200) return complain(protocol::printable(parsed->get_string("error", "the gateway refused")), 1);
    answer = std::move(*parsed);
    return 0;
}

int list(const arguments& a) {
    json answer;
    if (const int code = ask(a, "/v1/sessions", {}, answer); code != 0) return code;
    if (a.output == "json") {
        std::printf("%s\n", protocol::to_text(answer).c_str());
        return 0;
    }
    const json* sessions = answer.find("sessions");
    if (!sessions || !sessions->if_array()) return complain("the gateway's answer has no sessions; is it another version?", 1);
    std::fputs(sessions->if_array()->empty() ? "nobody is debugging\n" : table(*sessions).c_str(), stdout);
    return 0;
}

int kill(const arguments& a) {
    if (a.user.empty() == a.session.empty()) return complain("say whom: --user NAME or --session ID", 2);
    json body = json::object{};
    if (!a.user.empty()) body.set("user", a.user);
    if (!a.session.empty()) body.set("session", a.session);
    if (!a.reason.empty()) body.set("reason", a.reason);
    json answer;
    if (const int code = ask(a, "/v1/sessions/kill", protocol::to_text(body), answer); code != 0) return code;
    if (a.output == "json") {
        std::printf("%s\n", protocol::to_text(answer).c_str());
        return 0;
    }
    if (!a.session.empty())
        std::printf("session %s is ended\n", protocol::printable(a.session).c_str());
    else
        std::printf("%s: %lld sessions on %lld connections are ended; the certificate is as good as before, so revoke it "
                    "to keep %s out\n",
                    protocol::printable(a.user).c_str(), static_cast<long long>(answer.get_int("sessions")),
                    static_cast<long long>(answer.get_int("connections")), protocol::printable(a.user).c_str());
    return 0;
}

constexpr const char* footer = R"(
Examples:
  delvegate sessions
  delvegate sessions kill --user alice --reason "laptop stolen"
  delvegate sessions kill --session 5f0c9d2e1a7b4c38

A session that is killed ends at once: its IDE is told why, its breakpoints go,
and a program that stood for it alone goes on.

Exit codes: 0 done; 1 no gateway answered, or there is nobody of that name;
2 command line or configuration.)";

}  // namespace

void add_sessions_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* sessions = app.add_subcommand("sessions", "Show who debugs by the gateway of this host, and end it");
    const auto common = [&](CLI::App& command) {
        command.footer(footer);
        a->where.add_options(command);
        command.add_option("--output", a->output, "text, or json for scripts")
            ->type_name("FORMAT")
            ->check(CLI::IsMember({"text", "json"}))
            ->capture_default_str();
    };
    common(*sessions);
    auto* listing = sessions->add_subcommand("list", "Show them; the same as without a subcommand");
    common(*listing);
    auto* killing = sessions->add_subcommand("kill", "End them at once");
    common(*killing);
    auto* user = killing->add_option("--user", a->user, "Every connection of this user, as the list shows it")->type_name("NAME");
    killing->add_option("--session", a->session, "One session")->type_name("ID")->excludes(user);
    killing->add_option("--reason", a->reason, "What its people are told")->type_name("TEXT");
    sessions->require_subcommand(0, 1);
    sessions->callback([a, sessions, killing, &exit_code] {
        exit_code = sessions->got_subcommand(killing) ? kill(*a) : list(*a);
    });
}

}  // namespace gateway
