#include "gateway/connect_command.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "gateway/config.h"
#include "gateway/connect.h"

namespace gateway {
namespace {

struct arguments {
    connect_options options;
    std::string gateway;
    std::string identity;
    std::string output = "text";
};

std::string default_identity_directory() {
    if (const char* xdg = std::getenv("XDG_CONFIG_HOME"); xdg && *xdg == '/')
        return std::string(xdg) + "/delvegate";
    const char* home = std::getenv("HOME");
    return std::string(home && *home ? home : "") + "/.config/delvegate";
}

// Files given one by one win over the directory.
void complete(arguments& a) {
    const auto directory = a.identity.empty() ? default_identity_directory() : a.identity;
    auto& files = a.options.files;
    if (files.certificate.empty()) files.certificate = directory + "/client.crt";
    if (files.key.empty()) files.key = directory + "/client.key";
    if (files.ca.empty()) files.ca = directory + "/ca.crt";
}

// HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT
std::optional<host_port> parse_gateway(const std::string& text) {
    const bool port_given = !text.empty() && text.back() != ']' && text.find(':') != std::string::npos;
    const auto parsed = parse_host_port(port_given ? text : text + ":7443");
    if (!parsed || parsed->host.empty() || parsed->port == 0) return std::nullopt;
    return *parsed;
}

connect_exit run(arguments& a) {
    const auto where = parse_gateway(a.gateway);
    if (!where) {
        std::fprintf(stderr, "delvegate: --gateway wants HOST or HOST:PORT such as node1.example:7443, not \"%s\"\n",
                     a.gateway.c_str());
        return connect_exit::usage;
    }
    a.options.host = where->host;
    a.options.port = where->port;
    a.options.json = a.output == "json";
    complete(a);
    return run_connect(a.options);
}

constexpr const char* footer = R"(
Without COMPONENT, lists those this certificate may see. The identity directory
holds client.crt, client.key and ca.crt.

Example:
  delvegate connect web --gateway node1.example:7443
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
    connect->add_option("--gateway", a->gateway, "Where the gateway listens")
        ->type_name("HOST[:7443]")
        ->required()
        ->envname("DELVEGATE_GATEWAY");
    connect->add_option("--listen", o.listen, "Where IDEs connect to, on this host; port 0: any")
        ->type_name("ADDRESS:PORT")
        ->capture_default_str();
    connect->add_option("--identity", a->identity,
                        "Directory of client.crt, client.key and ca.crt "
                        "[$XDG_CONFIG_HOME/delvegate or ~/.config/delvegate]")
        ->type_name("DIR");
    connect->add_option("--certificate", o.files.certificate, "Client certificate (PEM), instead of DIR/client.crt")
        ->type_name("FILE");
    connect->add_option("--key", o.files.key, "Its key (PEM), instead of DIR/client.key")->type_name("FILE");
    connect->add_option("--ca", o.files.ca, "The CA that issued the gateway's certificate, instead of DIR/ca.crt")
        ->type_name("FILE");
    connect->add_option("--server-name", o.server_name,
                        "The name the gateway's certificate must be for [the HOST of --gateway]")
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
