#include "gateway/connect_command.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/background_connect.h"
#include "gateway/config.h"
#include "gateway/connect.h"
#include "gateway/contexts.h"
#include "gateway/laptop_dial.h"
#include "gateway/laptop_place.h"
#include "gateway/local_checkout.h"
#include "gateway/output_option.h"
#include "launcher/launcher_wire.h"
#include "protocol/printable.h"
#include "storage/sha256.h"
#include "storage/shell_word.h"

namespace gateway {
namespace {

struct arguments {
    connect_options options;
    laptop_place place;
    std::string output = "text";
    std::vector<std::string> map;
    std::string source;
    std::string idle;  // as it was typed; empty: not given
    bool background = false, end = false;
    bool in_background = false;  // the process itself
    bool listen_given = false;
};

constexpr const char* usual_idle = "30m";

connect_exit complain(const std::string& text, connect_exit code = connect_exit::usage) {
    std::fprintf(stderr, "delvegate: %s\n", protocol::printable(text).c_str());
    return code;
}

// --- in the background ---

background_place place_of(const arguments& a) { return {a.options.component, host_and_port(a.options.host, a.options.port), a.options.listen}; }

// Of the process: what was given, by names that are good anywhere. What is secret is in files and in the environment.
std::vector<std::string> words_for_process(const arguments& a) {
    std::vector<std::string> out{"connect", a.options.component, "--in-background", "--listen", a.options.listen};
    for (auto& word : a.place.words()) out.push_back(std::move(word));
    for (const auto& rule : a.options.paths.rules) out.insert(out.end(), {"--map", rule.client + "=" + rule.server});
    std::error_code ec;
    if (!a.source.empty()) out.insert(out.end(), {"--source", std::filesystem::absolute(a.source, ec).lexically_normal().string()});
    if (!a.idle.empty()) out.insert(out.end(), {"--idle", a.idle});
    if (a.options.any_interface) out.emplace_back("--dangerously-let-other-hosts-debug");
    return out;
}

std::string end_command(const arguments& a) {
    std::string out = "delvegate connect " + a.options.component + " --end";
    for (const auto& word : a.place.words()) out += " " + storage::shell_word(word);
    return out;
}

// Two of the same are one: by what was given, and by what the context says now.
std::string options_of(const arguments& a) {
    std::string all;
    for (const auto& word : words_for_process(a)) all += word + '\0';
    const auto& files = a.options.files;
    for (const auto& word : {place_of(a).gateway, a.options.server_name, to_text(a.options.via), a.options.context, files.certificate, files.key, files.ca})
        all += word + '\0';
    return storage::sha256_hex(all);
}

connect_exit start_background(const arguments& a) {
    // What cannot be asked for there is said here.
    if (const auto context = auth::make_client_context(a.options.files); !context) return complain(context.error(), connect_exit::certificate);
    auto now = start_in_background(place_of(a), {words_for_process(a), options_of(a)}, end_command(a));
    if (!now) return complain(now.error().line, static_cast<connect_exit>(now.error().code));
    if (a.options.quiet) return connect_exit::ok;
    auto& record = now->record;
    record.set("started", now->started);
    record.set("options", nullptr);
    protocol::json shown = protocol::json::object{};
    for (const char* key : {"event", "component", "state", "address", "host", "port", "gateway", "started", "log"})
        if (const auto* value = record.find(key)) shown.set(key, *value);
    const auto idle = parse_duration(a.idle.empty() ? usual_idle : a.idle);
    const std::string by_itself = idle && idle->count() > 0 ? "; after " + format_duration(*idle) + " without an IDE it ends by itself" : "";
    say(a.output,
        a.options.component + " is on " + protocol::printable(record.get_string("address")) + (now->started ? ", in the background" : ", in the background already") +
            "; end it with: " + protocol::printable(end_command(a)) + by_itself + "\n",
        shown);
    return connect_exit::ok;
}

connect_exit end_background(const arguments& a) {
    auto place = place_of(a);
    if (!a.listen_given) place.listen.clear();
    const auto ended = end_in_background(place);
    if (!ended) return complain(ended.error(), connect_exit::failed);
    if (!a.options.quiet)
        say(a.output, *ended > 0 ? a.options.component + " is not carried in the background any more\n" : "no connect of " + a.options.component + " runs in the background\n",
            protocol::json::object{{"event", "ended"}, {"component", a.options.component}, {"ended", *ended}});
    return connect_exit::ok;
}

connect_exit run_background(arguments& a) {
    const auto idle = parse_duration(a.idle.empty() ? usual_idle : a.idle);
    auto self = background_self::take(place_of(a), options_of(a));
    if (!self) return complain(self.error());
    // No folder is kept from being removed.
    if (::chdir("/") != 0) return complain("cannot leave the folder it was started in", connect_exit::failed);
    a.options.background = &*self;
    a.options.idle = *idle;
    return run_connect(a.options);
}

// Empty: nothing is wrong.
std::string fault_in_background(const arguments& a) {
    const bool any = a.background || a.in_background;
    if (!a.idle.empty() && !any) return "--idle belongs to --background";
    if (!a.idle.empty() && !parse_duration(a.idle)) return "--idle " + a.idle + " is no time; give one such as 30m, or 0s for never";
    if (!any && !a.end) return {};
    if (!is_dns_label(a.options.component))
        return std::string(a.end ? "--end" : "--background") + " needs the component's name: lower-case letters, digits and inner hyphens";
    if (!a.options.stop.empty()) return "--stop is told on a terminal; leave out --background";
    return {};
}

connect_exit run(arguments& a) {
    if (const auto fault = fault_in_background(a); !fault.empty()) return complain(fault);
    for (const auto& text : a.map) {
        auto rule = read_path_rule(text);
        if (!rule) return complain(rule.error());
        a.options.paths.rules.push_back(std::move(*rule));
    }
    if (a.map.size() > protocol::path_map::max_rules)
        return complain("more than " + std::to_string(protocol::path_map::max_rules) + " rules with --map");
    if (!a.source.empty()) {
        auto checkout = read_checkout(a.source);
        if (!checkout) return complain(checkout.error());
        a.options.paths.source = std::move(*checkout);
    }
    if (const auto fault = protocol::fault_in_paths({a.options.paths.rules, {}}); !fault.empty()) return complain("--map: " + fault);
    if (const auto fault = protocol::fault_in_paths(a.options.paths); !fault.empty())
        return complain("--source " + a.source + (a.map.empty() ? "" : " with --map") + ": " + fault);
    if (!a.options.stop.empty() && a.options.component.empty()) return complain("--stop needs the component's name");
    if (!a.options.stop.empty() && !launcher::is_stop_name(a.options.stop))
        return complain("\"" + a.options.stop + "\" is no stop's name; they look like 17-3f9c, as `delvegate park` tells them");
    const auto found = a.place.find();
    if (!found) return complain(found.error().text, found.error().certificate ? connect_exit::certificate : connect_exit::usage);
    a.options.given = a.place.words();
    a.options.host = found->host;
    a.options.port = found->port;
    a.options.server_name = found->server_name;
    a.options.via = found->via;
    a.options.files = found->files;
    a.options.context = found->context;
    a.options.json = a.output == "json";
    if (a.end) return end_background(a);
    if (!a.options.context.empty()) {
        const auto who = context_store().who(a.options.context);
        const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
        if (who && who->not_after <= now)
            return complain("the certificate of context " + a.options.context + " has expired; enrol again with `delvegate enroll " +
                                a.options.host + " --context " + a.options.context + "`",
                            connect_exit::certificate);
    }
    if (a.background) return start_background(a);
    return a.in_background ? run_background(a) : run_connect(a.options);
}

constexpr const char* footer = R"(
Without COMPONENT, lists those this certificate may see. Gateway and certificate
are those of the current context (`delvegate enroll` makes one, `delvegate
context` lists them); what is given here wins. The certificate of a context is
renewed while this runs. An identity directory holds client.crt, client.key and
ca.crt. With --kubeconfig, the gateway's CA is still that of --ca or the context.

IDEs stay connected while the link is down, and when the gateway is restarted (not
where it started the program itself): for as long as the gateway says,
limits.resumeTime, 10 minutes by default.

--background comes back when the port is ready, and leaves a process that has no
terminal. Again with the same options, it is that process; with others it is
refused. Nothing can be asked for there: a key that is encrypted is refused, as
ever, and ssh's must work by itself, in its agent for instance.

Examples:
  delvegate connect web
  delvegate connect web --background
  delvegate connect web --end
  delvegate connect web --gateway node1.example:7443
  delvegate connect web --source ~/src/web
  delvegate connect web --stop 17-3f9c     # parked for you by a colleague
  delvegate connect web --map ~/src/web=/build/web --map /usr/lib/go=/usr/local/go
  dlv connect 127.0.0.1:2345

Exit codes: 0 ended by Ctrl-C or listed; 1 something on this host, such as a port
that is taken; 2 command line; 3 not authorised; 4 no such component; 5 gateway
unreachable; 6 certificate trouble; 7 the component cannot be debugged now.)";

}  // namespace

void add_connect_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto& o = a->options;
    auto* connect = app.add_subcommand("connect", "Carry IDEs on this host to a component behind a gateway");
    connect->footer(footer);
    connect->add_option("component", o.component, "What to debug; without it, list what there is")
        ->type_name("COMPONENT");
    a->place.add_options(*connect);
    auto* listen = connect->add_option("--listen", o.listen, "Where IDEs connect to, on this host; port 0: any")
        ->type_name("ADDRESS:PORT")
        ->capture_default_str();
    connect->add_option("--map", a->map,
                        "Where a directory of this host was when the program was built (repeatable, the first that fits counts)")
        ->type_name("LOCAL=REMOTE")
        ->allow_extra_args(false);
    connect->add_option("--source", a->source, "The checkout of the program's sources, from which such rules are guessed")
        ->type_name("DIR");
    connect->add_option("--stop", o.stop, "The name of a stop: says whether it stands, with its note, or where the program is now")
        ->type_name("NAME");
    auto* background = connect->add_flag("--background", a->background, "Leave it to a process of its own, and come back when the port is ready");
    connect->add_flag("--end", a->end, "End that process, of the component at this gateway (with --listen: only the one there)")->excludes(background);
    connect->add_option("--idle", a->idle, "In the background: end after so long without an IDE [30m; 0s: never]")->type_name("DURATION");
    connect->add_flag("--in-background", a->in_background, "")->group("")->excludes(background);
    connect->add_flag("--dangerously-let-other-hosts-debug", o.any_interface,
                      "Allow --listen on more than loopback: whoever reaches the port debugs under your name");
    connect->add_flag("-q,--quiet", o.quiet, "Print nothing but what goes wrong");
    connect->add_option("--output", a->output, "text, or json: one line when ready, or the list")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    connect->callback([a, listen, &exit_code] {
        a->listen_given = listen->count() > 0;
        exit_code = static_cast<int>(run(*a));
    });
}

}  // namespace gateway
