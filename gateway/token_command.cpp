#include "gateway/token_command.h"

#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "auth/issuing.h"
#include "gateway/ca_files.h"
#include "gateway/config.h"
#include "gateway/own_identities.h"
#include "gateway/output_option.h"
#include "protocol/json.h"

namespace gateway {
namespace {

using protocol::json;
using std::chrono::hours;
using std::chrono::seconds;

struct arguments {
    std::string state_directory;
    usual_state state;
    std::string user;
    std::vector<std::string> groups;
    std::string ttl;
    std::string gateway;
    std::string id;
    std::string output = "text";
};

std::int64_t now() { return std::time(nullptr); }

int create(const arguments& a) {
    auto groups = a.groups;
    if (auto fit = check_names(a.user, groups); !fit) return complain_as(fit.error(), 2);
    seconds life = std::chrono::minutes(10);
    if (!a.ttl.empty()) {
        const auto given = parse_life(a.ttl, seconds(1), hours(24) * 7);
        if (!given) return complain_as("--ttl: " + given.error(), 2);
        life = *given;
    }
    std::string where = a.gateway;
    if (where.empty()) {
        where = to_string(host_port{host_to_type({}), enroll_port});
    } else if (const auto given = parse_host_port(where); !given) {
        return complain_as("--gateway: " + given.error(), 2);
    } else {
        // Written again: nothing of it can be more than a host and a port to the shell it is pasted into.
        where = to_string(*given);
        if (where.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]%") !=
            where.npos)
            return complain_as("--gateway: the host has characters that no host has", 2);
    }
    auto ca = open_ca_of(a.state);
    if (!ca) return complain_as(ca.error(), 1);
    auto token = auth::make_token(a.user, groups, life, now());
    if (!token) return complain_as(token.error(), 1);
    auth::transaction change(ca->store.db());
    if (ca->store.user_revoked(a.user))
        return complain_as("the user " + a.user + " is revoked; to let them in again: delvegate ca unrevoke-user " + a.user, 1);
    ca->store.add(token->record);
    if (auto done = change.commit(); !done) return complain_as(done.error(), 1);
    const std::string pin = auth::pin_of(ca->authority.certificate.get());
    const std::string until = utc_of(token->record.expires);
    if (a.output == "json") {
        json out;
        out.set("id", token->record.id);
        out.set("token", token->text);
        out.set("gateway", where);
        out.set("caPin", pin);
        out.set("user", a.user);
        out.set("groups", json::array(groups.begin(), groups.end()));
        out.set("expires", token->record.expires);
        std::printf("%s\n", protocol::to_text(out).c_str());
        return 0;
    }
    // The token goes through standard input: in argv every user of the laptop could read it.
    std::printf("delvegate enroll %s --ca-pin %s <<< '%s'\n", where.c_str(), pin.c_str(), token->text.c_str());
    std::fprintf(stderr,
                 "For %s%s, once, until %s. Paste it on the laptop (bash or zsh; elsewhere leave the end from <<< on "
                 "away and paste the token when asked).\nTo withdraw it: delvegate token withdraw %s\n",
                 a.user.c_str(), groups.empty() ? "" : (" (" + join(groups) + ")").c_str(), until.c_str(),
                 token->record.id.c_str());
    return 0;
}

std::string state_of(const auth::token_record& one, std::int64_t at) {
    if (one.used_at) return "used " + utc_of(*one.used_at) + " from " + one.used_by;
    if (one.withdrawn_at) return "withdrawn " + utc_of(*one.withdrawn_at);
    return one.live(at) ? "live" : "expired";
}

int list(const arguments& a) {
    auto store = open_store_of(a.state);
    if (!store) return complain_as(store.error(), 1);
    const auto tokens = store->tokens();
    if (!store->db().ok()) return complain_as(store->db().fault(), 1);
    const std::int64_t at = now();
    if (a.output == "json") {
        json::array all;
        for (const auto& one : tokens) {
            json entry;
            entry.set("id", one.id);
            entry.set("user", one.user);
            entry.set("groups", json::array(one.groups.begin(), one.groups.end()));
            entry.set("created", one.created);
            entry.set("expires", one.expires);
            entry.set("state", one.used_at ? "used" : one.withdrawn_at ? "withdrawn" : one.live(at) ? "live" : "expired");
            entry.set("usedAt", one.used_at ? json(*one.used_at) : json());
            entry.set("usedBy", one.used_by);
            entry.set("withdrawnAt", one.withdrawn_at ? json(*one.withdrawn_at) : json());
            all.push_back(std::move(entry));
        }
        json out;
        out.set("tokens", std::move(all));
        std::printf("%s\n", protocol::to_text(out).c_str());
        return 0;
    }
    std::vector<std::vector<std::string>> rows{{"ID", "USER", "GROUPS", "CREATED", "EXPIRES", "STATE"}};
    for (const auto& one : tokens)
        rows.push_back({one.id, one.user, join(one.groups), utc_of(one.created), utc_of(one.expires), state_of(one, at)});
    std::fputs(table(rows).c_str(), stdout);
    return 0;
}

int withdraw(const arguments& a) {
    auto store = open_store_of(a.state);
    if (!store) return complain_as(store.error(), 1);
    auth::transaction change(store->db());
    const bool live = store->withdraw_token(a.id, now());
    if (auto done = change.commit(); !done) return complain_as(done.error(), 1);
    if (!live) return complain_as("no live token has that id; see: delvegate token list", 1);
    say(a.output, "withdrawn\n", json::object{{"withdrawn", a.id}});
    return 0;
}

const std::string exit_codes = "\nExit codes: 0 done; 1 it failed, and nothing was changed; 2 command line.";

CLI::App* add(CLI::App& token, const std::shared_ptr<arguments>& a, int& exit_code, const char* name,
              const char* sentence, const char* example, int (*work)(const arguments&)) {
    auto* command = token.add_subcommand(name, sentence);
    command->footer(std::string("\nExample:\n  delvegate token ") + example + "\n" + exit_codes);
    command->add_option("--state-directory", a->state_directory, state_option)->type_name("DIR");
    command->callback([a, work, &exit_code] {
        auto state = state_by(a->state_directory);
        if (!state) return void(exit_code = complain_as(state.error(), 1));
        a->state = std::move(*state);
        exit_code = work(*a);
    });
    return command;
}

}  // namespace

void add_token_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* token = app.add_subcommand("token", "Let somebody enroll: a token works once, for a short time");
    token->require_subcommand(1);
    token->footer("\nExample:\n  delvegate token create --user alice --group sig-scheduling --ttl 10m\n\n"
                  "Run it as the user who owns the state directory." +
                  exit_codes);

    auto* creating = add(*token, a, exit_code, "create", "Print the line to paste on the laptop",
                         "create --user alice --group sig-scheduling --ttl 10m --gateway node1:7444", create);
    creating->add_option("--user", a->user, "Who it is for")->type_name("NAME")->required();
    creating->add_option("--group", a->groups, "A group; may be given again")
        ->type_name("NAME")
        ->allow_extra_args(false);
    creating->add_option("--ttl", a->ttl, "How long it can be used [10m]")->type_name("TIME");
    creating->add_option("--gateway", a->gateway, "Where the laptop reaches the gateway [this host]")
        ->type_name("HOST:PORT");
    add_output_option(*creating, a->output);
    add_output_option(*add(*token, a, exit_code, "list", "Show the tokens, but not the secrets in them", "list --output json", list), a->output);
    auto* withdrawing = add(*token, a, exit_code, "withdraw", "End a token that was not used yet", "withdraw 1f2e3d4c", withdraw);
    add_output_option(*withdrawing, a->output);
    withdrawing->add_option("id", a->id, "As `token list` shows it")
        ->type_name("ID")
        ->required();
}

}  // namespace gateway
