#include "gateway/connect_command.h"

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "gateway/connect.h"
#include "gateway/contexts.h"
#include "gateway/kubeconfig.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

constexpr std::uint16_t default_port = 7443;

struct arguments {
    connect_options options;
    std::string gateway;
    std::string identity;
    std::string context;
    std::string kubeconfig;
    std::string kube_context;
    std::string output = "text";
};

connect_exit complain(const std::string& text, connect_exit code = connect_exit::usage) {
    std::fprintf(stderr, "delvegate: %s\n", protocol::printable(text).c_str());
    return code;
}

// The context this command line means; none: it names gateway and identity itself.
auth::outcome<std::optional<laptop_context>> context_of(const arguments& a, const context_store& store) {
    using result = auth::outcome<std::optional<laptop_context>>;
    const auto failed = [](const std::string& why) { return result(boost::system::in_place_error, why); };
    if (!a.context.empty()) {
        auto named = store.read(a.context);
        if (!named) return failed(named.error());
        return result(boost::system::in_place_value, *named);
    }
    const auto current = store.current();
    if (a.gateway.empty()) {
        if (!current)
            return failed("which gateway? Give --gateway HOST, or enrol with `delvegate enroll`" +
                          std::string(store.names().empty() ? "" : ", or choose a context with --context"));
        auto named = store.read(*current);
        if (!named) return failed(named.error());
        return result(boost::system::in_place_value, *named);
    }
    // A gateway given by name: the context that is of it, the current one first.
    const auto where = parse_gateway(a.gateway, default_port);
    auto names = store.names();
    if (current) names.insert(names.begin(), *current);
    for (const auto& name : names)
        if (auto one = store.read(name); one && where && one->gateway.host == where->host && one->gateway.port == where->port)
            return result(boost::system::in_place_value, *one);
    return result(boost::system::in_place_value, std::nullopt);
}

// What is given one by one wins over the kubeconfig, that over --identity, and that over the context.
connect_exit complete(arguments& a) {
    const context_store store;
    auto context = context_of(a, store);
    if (!context) return complain(context.error());
    auto& o = a.options;
    if (a.gateway.empty()) {
        o.host = (*context)->gateway.host;
        o.port = (*context)->gateway.port;
    } else {
        const auto where = parse_gateway(a.gateway, default_port);
        if (!where) return complain("--gateway wants HOST or HOST:PORT such as node1.example:7443, not \"" + a.gateway + "\"");
        o.host = where->host;
        o.port = where->port;
    }

    auth::tls_files base;
    const bool own_identity = a.identity.empty() && a.kubeconfig.empty() && o.files.certificate.empty() && o.files.key.empty();
    if (!a.identity.empty() || !*context) {
        const auto directory = a.identity.empty() ? default_laptop_directory() : a.identity;
        base = {directory + "/client.crt", directory + "/client.key", directory + "/ca.crt", {}, {}};
    } else {
        base = store.files((*context)->name);
        if (own_identity) o.context = (*context)->name;
    }
    if (!a.kubeconfig.empty()) {
        const auto kube = read_kubeconfig(a.kubeconfig, a.kube_context);
        if (!kube) return complain(kube.error(), connect_exit::certificate);
        const std::string ca = base.ca;
        base = kube->files;
        base.ca = ca;
    }
    auto& files = o.files;
    if (files.certificate.empty()) files.certificate = base.certificate, files.certificate_pem = base.certificate_pem;
    if (files.key.empty()) files.key = base.key, files.key_pem = base.key_pem;
    if (files.ca.empty()) files.ca = base.ca;
    return connect_exit::ok;
}

connect_exit run(arguments& a) {
    if (a.kubeconfig.empty() && !a.kube_context.empty()) return complain("--kube-context belongs to --kubeconfig FILE");
    if (const auto done = complete(a); done != connect_exit::ok) return done;
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

Examples:
  delvegate connect web
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
    connect->add_option("--context", a->context, "The context to use [the current one]")->type_name("NAME");
    connect->add_option("--gateway", a->gateway, "Where the gateway listens [that of the context]")
        ->type_name("HOST[:7443]")
        ->envname("DELVEGATE_GATEWAY");
    connect->add_option("--listen", o.listen, "Where IDEs connect to, on this host; port 0: any")
        ->type_name("ADDRESS:PORT")
        ->capture_default_str();
    connect->add_option("--identity", a->identity,
                        "Directory of client.crt, client.key and ca.crt "
                        "[the context's; else $XDG_CONFIG_HOME/delvegate or ~/.config/delvegate]")
        ->type_name("DIR");
    connect->add_option("--kubeconfig", a->kubeconfig, "Use the client certificate of this file's user")->type_name("FILE");
    connect->add_option("--kube-context", a->kube_context, "The kubeconfig's context [its current one]")->type_name("NAME");
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
