#include "gateway/laptop_place.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "gateway/kubeconfig.h"

namespace gateway {
namespace {

constexpr std::uint16_t default_port = 7443;

using fault = laptop_place::fault;

// The context this command line means; none: it names gateway and identity itself.
auth::outcome<std::optional<laptop_context>> context_of(const laptop_place& place, const context_store& store) {
    using result = auth::outcome<std::optional<laptop_context>>;
    const auto failed = [](const std::string& why) { return result(boost::system::in_place_error, why); };
    if (!place.context.empty()) {
        auto named = store.read(place.context);
        if (!named) return failed(named.error());
        return result(boost::system::in_place_value, *named);
    }
    const auto current = store.current();
    if (place.gateway.empty()) {
        if (!current)
            return failed("which gateway? Give --gateway HOST, or enrol with `delvegate enroll`" +
                          std::string(store.names().empty() ? "" : ", or choose a context with --context"));
        auto named = store.read(*current);
        if (!named) return failed(named.error());
        return result(boost::system::in_place_value, *named);
    }
    // A gateway given by name: the context that is of it, the current one first.
    const auto where = parse_gateway(place.gateway, default_port);
    auto names = store.names();
    if (current) names.insert(names.begin(), *current);
    for (const auto& name : names)
        if (auto one = store.read(name); one && where && one->gateway.host == where->host && one->gateway.port == where->port)
            return result(boost::system::in_place_value, *one);
    return result(boost::system::in_place_value, std::nullopt);
}

}  // namespace

void laptop_place::add_options(CLI::App& to) {
    to.add_option("--context", context, "The context to use [the current one]")->type_name("NAME");
    to.add_option("--gateway", gateway, "Where the gateway listens [that of the context]")
        ->type_name("HOST[:7443]")
        ->envname("DELVEGATE_GATEWAY");
    to.add_option("--identity", identity,
                  "Directory of client.crt, client.key and ca.crt "
                  "[the context's; else $XDG_CONFIG_HOME/delvegate or ~/.config/delvegate]")
        ->type_name("DIR");
    to.add_option("--kubeconfig", kubeconfig, "Use the client certificate of this file's user")->type_name("FILE");
    to.add_option("--kube-context", kube_context, "The kubeconfig's context [its current one]")->type_name("NAME");
    to.add_option("--certificate", files.certificate, "Client certificate (PEM), instead of DIR/client.crt")->type_name("FILE");
    to.add_option("--key", files.key, "Its key (PEM), instead of DIR/client.key")->type_name("FILE");
    to.add_option("--ca", files.ca, "The CA that issued the gateway's certificate, instead of DIR/ca.crt")->type_name("FILE");
    to.add_option("--server-name", server_name, "The name the gateway's certificate must be for [the HOST of --gateway]")
        ->type_name("NAME");
    to.add_option("--via", via, "How to get there: ssh://[USER@]HOST[:PORT], http://[USER@]PROXY:PORT, or direct [as the context says]")
        ->type_name("WAY");
}

std::vector<std::string> laptop_place::words() const {
    std::vector<std::string> out;
    const auto add = [&](const char* option, const std::string& value, bool file) {
        if (value.empty()) return;
        out.emplace_back(option);
        std::error_code ec;
        out.push_back(file ? std::filesystem::absolute(value, ec).lexically_normal().string() : value);
    };
    add("--context", context, false);
    add("--gateway", gateway, false);
    add("--identity", identity, true);
    add("--kubeconfig", kubeconfig, true);
    add("--kube-context", kube_context, false);
    add("--certificate", files.certificate, true);
    add("--key", files.key, true);
    add("--ca", files.ca, true);
    add("--server-name", server_name, false);
    add("--via", via, false);
    return out;
}

boost::system::result<laptop_target, fault> laptop_place::find() const {
    if (kubeconfig.empty() && !kube_context.empty()) return fault{"--kube-context belongs to --kubeconfig FILE"};
    const context_store store;
    const auto meant = context_of(*this, store);
    if (!meant) return fault{meant.error()};
    laptop_target out;
    out.server_name = server_name;
    out.files = files;
    if (gateway.empty()) {
        out.host = (*meant)->gateway.host;
        out.port = (*meant)->gateway.port;
    } else {
        const auto where = parse_gateway(gateway, default_port);
        if (!where) return fault{"--gateway wants HOST or HOST:PORT such as node1.example:7443, not \"" + gateway + "\""};
        out.host = where->host;
        out.port = where->port;
    }
    if (!via.empty()) {
        const auto way = parse_via(via);
        if (!way) return fault{way.error()};
        out.via = *way;
    } else if (*meant && out.host == (*meant)->gateway.host) {
        out.via = (*meant)->via;
    }

    auth::tls_files base;
    const bool own_identity = identity.empty() && kubeconfig.empty() && files.certificate.empty() && files.key.empty();
    if (!identity.empty() || !*meant) {
        const auto directory = identity.empty() ? default_laptop_directory() : identity;
        base = {directory + "/client.crt", directory + "/client.key", directory + "/ca.crt", {}, {}};
    } else {
        base = store.files((*meant)->name);
        if (own_identity) out.context = (*meant)->name;
    }
    if (!kubeconfig.empty()) {
        const auto kube = read_kubeconfig(kubeconfig, kube_context);
        if (!kube) return fault{kube.error(), true};
        const std::string ca = base.ca;
        base = kube->files;
        base.ca = ca;
    }
    auto& mine = out.files;
    if (mine.certificate.empty()) mine.certificate = base.certificate, mine.certificate_pem = base.certificate_pem;
    if (mine.key.empty()) mine.key = base.key, mine.key_pem = base.key_pem;
    if (mine.ca.empty()) mine.ca = base.ca;
    return out;
}

}  // namespace gateway
