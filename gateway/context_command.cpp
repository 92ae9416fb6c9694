#include "gateway/context_command.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "gateway/contexts.h"
#include "gateway/output_option.h"
#include "protocol/printable.h"
#include "gateway/time_left.h"
#include "gateway/utc.h"
#include "protocol/json.h"

namespace gateway {
namespace {

using protocol::json;

struct arguments {
    std::string name, via;
    std::string output = "text";
};

int complain(const std::string& text) {
    std::fprintf(stderr, "delvegate: %s\n", protocol::printable(text).c_str());
    return 1;
}

std::string padded(const std::string& text, std::size_t width) {
    return text + std::string(width > text.size() ? width - text.size() : 0, ' ') + "  ";
}

std::string time_text(long long seconds) {
    return utc_time(std::chrono::system_clock::from_time_t(static_cast<std::time_t>(seconds)));
}

int list(const arguments& a) {
    const context_store store;
    const auto names = store.names();
    const auto current = store.current();
    const long long now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    if (names.empty() && a.output == "text") {
        std::puts("no contexts; `delvegate enroll` makes one");
        return 0;
    }
    json::array all;
    std::vector<std::vector<std::string>> rows{{"", "NAME", "GATEWAY", "USER", "CERTIFICATE"}};
    for (const auto& name : names) {
        const auto context = store.read(name);
        const auto who = store.who(name);
        json one;
        one.set("name", name);
        one.set("current", name == current);
        std::string certificate;
        if (context) {
            one.set("gateway", to_string(context->gateway));
            one.set("renewUntil", std::int64_t{context->renew_until});
            one.set("via", to_text(context->via));
        }
        if (context && who) {
            one.set("user", who->user);
            one.set("notAfter", std::int64_t{who->not_after});
            const bool warn = nearly_over(who->not_before, who->not_after, now);
            one.set("warning", warn);
            const auto left = time_left(who->not_after, now);
            certificate = left == "expired" ? "expired on " + time_text(who->not_after) + "; enrol again"
                                            : left + " left" + (warn ? " (warning: its last tenth; `delvegate connect` renews it)" : "");
            if (context->renew_until > 0 && left != "expired") {
                const auto renewable = time_left(context->renew_until, now);
                certificate += renewable == "expired" ? ", not renewable any more: enrol again" : ", renewable for " + renewable;
            }
        } else {
            certificate = context ? who.error() : context.error();
            one.set("error", certificate);
        }
        rows.push_back({name == current ? "*" : "", name, context ? to_string(context->gateway) + (to_text(context->via).empty() ? "" : " via " + to_text(context->via)) : "?",
                        context && who ? who->user : "?", certificate});
        all.push_back(std::move(one));
    }
    if (a.output == "json") {
        std::printf("%s\n", protocol::to_text(json::object{{"contexts", std::move(all)}}).c_str());
        return 0;
    }
    std::vector<std::size_t> widths(rows.front().size(), 0);
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i + 1 < row.size(); ++i) line += padded(protocol::printable(row[i]), widths[i]);
        std::puts((line + protocol::printable(row.back())).c_str());
    }
    return 0;
}

int use(const arguments& a) {
    context_store store;
    const auto done = store.use(a.name);
    if (!done) return complain(done.error());
    say(a.output, {}, json::object{{"current", a.name}});
    return 0;
}

int set(const arguments& a) {
    const auto via = parse_via(a.via);
    if (!via) return complain(via.error()), 2;
    context_store store;
    const auto done = store.set_via(a.name, *via);
    if (!done) return complain(done.error());
    say(a.output, {}, json::object{{"name", a.name}, {"via", to_text(*via)}});
    return 0;
}

int remove(const arguments& a) {
    context_store store;
    const auto done = store.remove(a.name);
    if (!done) return complain(done.error());
    say(a.output, {}, json::object{{"deleted", a.name}});
    return 0;
}

}  // namespace

void add_context_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* context = app.add_subcommand("context", "The gateways this host has enrolled with");
    context->require_subcommand(1);
    context->footer("\nExample:\n  delvegate context list\n\nExit codes: 0 done; 1 failed; 2 command line.");
    auto* listing = context->add_subcommand("list", "Show them: gateway, user, what is left of the certificate");
    listing->footer("\nExample:\n  delvegate context list --output json\n\nExit codes: 0 done; 2 command line.");
    add_output_option(*listing, a->output);
    listing->callback([a, &exit_code] { exit_code = list(*a); });
    auto* using_one = context->add_subcommand("use", "Make one the current context");
    using_one->footer("\nExample:\n  delvegate context use node1.example\n\nExit codes: 0 done; 1 no such context; 2 command line.");
    using_one->add_option("name", a->name, "Its name")->type_name("NAME")->required();
    add_output_option(*using_one, a->output);
    using_one->callback([a, &exit_code] { exit_code = use(*a); });
    auto* setting = context->add_subcommand("set", "Change how to get to one's gateway");
    setting->footer("\nExample:\n  delvegate context set node1.example --via ssh://alice@bastion.example\n\n"
                    "Exit codes: 0 done; 1 no such context; 2 command line.");
    setting->add_option("name", a->name, "Its name")->type_name("NAME")->required();
    setting->add_option("--via", a->via, "ssh://[USER@]HOST[:PORT], http://[USER@]PROXY:PORT, or direct")->type_name("WAY")->required();
    add_output_option(*setting, a->output);
    setting->callback([a, &exit_code] { exit_code = set(*a); });
    auto* deleting = context->add_subcommand("delete", "Delete one, with its certificate and key");
    deleting->footer("\nExample:\n  delvegate context delete node1.example\n\nExit codes: 0 done; 1 no such context; 2 command line.");
    deleting->add_option("name", a->name, "Its name")->type_name("NAME")->required();
    add_output_option(*deleting, a->output);
    deleting->callback([a, &exit_code] { exit_code = remove(*a); });
}

}  // namespace gateway
