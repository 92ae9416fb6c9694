#include "gateway/connect_command.h"

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/connect.h"
#include "gateway/contexts.h"
#include "gateway/laptop_place.h"
#include "gateway/local_checkout.h"
#include "launcher/launcher_wire.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

struct arguments {
    connect_options options;
    laptop_place place;
    std::string output = "text";
    std::vector<std::string> map;
    std::string source;
};

connect_exit complain(const std::string& text, connect_exit code = connect_exit::usage) {
    std::fprintf(stderr, "delvegate: %s\n", protocol::printable(text).c_str());
    return code;
}

connect_exit run(arguments& a) {
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
    a.options.host = found->host;
    a.options.port = found->port;
    a.options.server_name = found->server_name;
    a.options.via = found->via;
    a.options.files = found->files;
    a.options.context = found->context;
    a.options.json = a.output == "json";
    if (!a.options.context.empty()) {
        const auto who = context_store().who(a.options.context);
        const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
        if (who && who->not_after <= now)
            return complain("the certificate of context " + a.options.context + " has expired; enrol again with `delvegate enroll " +
                                a.options.host + " --context " + a.options.context + "`",
                            connect_exit::certificate);
    }
    return run_connect(a.options);
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

Examples:
  delvegate connect web
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
    connect->add_option("--listen", o.listen, "Where IDEs connect to, on this host; port 0: any")
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
    connect->add_flag("--dangerously-let-other-hosts-debug", o.any_interface,
                      "Allow --listen on more than loopback: whoever reaches the port debugs under your name");
    connect->add_flag("-q,--quiet", o.quiet, "Print nothing but what goes wrong");
    connect->add_option("--output", a->output, "text, or json: one line when ready, or the list")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    connect->callback([a, &exit_code] { exit_code = static_cast<int>(run(*a)); });
}

}  // namespace gateway
