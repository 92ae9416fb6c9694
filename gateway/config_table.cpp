#include "gateway/config_table.h"

#include <utility>

#include "gateway/config.h"
#include "gateway/config_audit.h"
#include "launcher/config_values.h"

namespace gateway {

const std::vector<limit_key>& limit_keys() {
    static const std::vector<limit_key> keys{
        {"handshakeTime", "duration", &limits::handshake_time, nullptr,
         "How long a client may take for its TLS handshake, for its first frame or request after it, and for the "
         "first byte of its IDE."},
        {"handshakes", "count", nullptr, &limits::handshakes,
         "TLS handshakes at once; further callers are turned away before any TLS work."},
        {"handshakesPerSource", "count", nullptr, &limits::handshakes_per_source,
         "TLS handshakes at once from one address (IPv6: one /64)."},
        {"handshakeRatePerSource", "count", nullptr, &limits::handshake_rate,
         "New connections per second from one address; twice as many may come in a burst."},
        {"connections", "count", nullptr, &limits::connections,
         "TCP connections in all, handshakes included."},
        {"connectionsPerIdentity", "count", nullptr, &limits::connections_per_identity,
         "Verified connections of one user (certificate CN)."},
        {"streamsPerLink", "count", nullptr, &limits::streams_per_link,
         "IDE connections that one `delvegate connect` may carry at once; at most 2000."},
        {"idleTime", "duration", &limits::idle_time, nullptr,
         "How long a raw debug stream of a stock TLS client may be silent in both directions."},
        {"linkIdleTime", "duration", &limits::link_idle_time, nullptr,
         "How long a link of `delvegate connect` may stay without any IDE connection."},
        {"pingTime", "duration", &limits::ping_time, nullptr,
         "How often a silent link is asked whether it is alive; after three unanswered it is closed."},
        {"resumeTime", "duration", &limits::resume_time, nullptr,
         "How long the IDE connections of a broken link of `delvegate connect` are kept for it to come back, and on the laptop "
         "for a gateway that ended to be followed by another one."},
        {"resumeLinks", "count", nullptr, &limits::resume_links,
         "Broken links that are kept for one user; the oldest is given up for another."},
        {"resumeBuffer", "bytes", nullptr, &limits::resume_buffer,
         "Bytes waiting for broken links, all together, each IDE connection counted as 64 KiB besides; then the one "
         "that holds most is given up."},
        {"viewerBuffer", "bytes", nullptr, &limits::viewer_buffer,
         "Bytes waiting for an IDE that does not read; a slower one is cut off."},
        {"viewerWindow", "bytes", nullptr, &limits::viewer_window,
         "Bytes taken from a stock TLS client and not yet dealt with; then TCP holds it back. (A link's "
         "streams have a fixed window of 1 MiB.)"},
        {"rpcRequest", "bytes", nullptr, &limits::rpc_request,
         "Size of one JSON-RPC request from an IDE."},
        {"dapRequest", "bytes", nullptr, &limits::dap_request,
         "Size of one DAP message from an IDE (dlv itself takes no more than 4 MiB)."},
        {"rpcReply", "bytes", nullptr, &limits::rpc_reply,
         "Size of one JSON-RPC reply from dlv; large ones are streamed, not held."},
        {"dapReply", "bytes", nullptr, &limits::dap_reply,
         "Size of one DAP message from dlv."},
        {"depth", "count", nullptr, &limits::depth,
         "Arrays and objects nested in each other in one request."},
        {"callTime", "duration", &limits::call_time, nullptr,
         "How long code that somebody calls in a program may run; then it is halted, and everybody is told."},
        {"outputKept", "bytes", nullptr, &limits::output_kept,
         "Of what each program of kind exec printed last: kept for people who come later and may read values; 0: nothing."},
        {"followers", "count", nullptr, &limits::followers,
         "Who may follow the sessions by the control API at once (`delvegate sessions --follow`, each page in a browser)."},
        {"followersPerUser", "count", nullptr, &limits::followers_per_user,
         "Of them by one user."},
        {"drainTime", "duration", &limits::drain_time, nullptr,
         "How long sessions may go on after SIGTERM or SIGINT; a second signal ends them at once."},
    };
    return keys;
}

std::string format_limit(const limit_key& key, const limits& bounds) {
    if (key.time) return format_duration(bounds.*key.time);
    return key.unit == "bytes" ? format_size(bounds.*key.number) : std::to_string(bounds.*key.number);
}

const std::vector<plain_key>& top_keys() {
    static const std::vector<plain_key> keys = [] {
        std::vector<plain_key> rows{
        {"listen", "list of HOST:PORT", "[\"[::]:7443\"]",
         "Addresses to listen on. [::] takes IPv4 as well. Port 0 lets the system choose.", ""},
        {"enrollListen", "list of HOST:PORT", "",
         "Where `delvegate enroll` is answered, while a token is live; at other times nothing listens there. "
         "Without it: port 7444 on the hosts of listen.",
         "[\"[::]:7444\"]"},
        {"metricsListen", "list of HOST:PORT", "",
         "Loopback addresses where GET /metrics is answered for a Prometheus on this host, in plain HTTP and to whoever asks "
         "there. Without it: only GET /v1/metrics of the control API.",
         "[\"127.0.0.1:9743\"]"},
        {"certificate", "path", "",
         "The gateway's certificate chain, PEM. certificate, key and clientCA are given together; without "
         "them the gateway makes its own below stateDirectory.",
         "/etc/delvegate/gateway.crt"},
        {"key", "path", "", "The certificate's private key, PEM, readable by its owner only.",
         "/etc/delvegate/gateway.key"},
        {"clientCA", "path", "", "The CA, PEM, that clients' certificates must chain to.",
         "/etc/delvegate/clients-ca.crt"},
        {"clientCRLs", "list of paths", "[]",
         "Revocation lists of clientCA, PEM or DER: files, or directories of them. Where there are any, a client whose "
         "own CA has none is refused.",
         ""},
        {"staleCRL", "refuse or warn", "refuse",
         "A revocation list past its next update: nobody new gets in by that CA, or a warning only. Those who are in "
         "stay in either way.",
         ""},
        {"revocations", "path", "",
         "A list of people and certificates that are out: YAML with `users` and `serials`.",
         "/etc/delvegate/revoked.yaml"},
        {"policy", "path", "",
         "Roles for users and groups, operation by operation (docs/policy.md). Without it the lists of the "
         "components decide alone, and whoever they name may do everything.",
         "/etc/delvegate/policy.yaml"},
        {"stateDirectory", "path", default_state_directory(),
         "What outlives a run: the gateway's own CA and identities, dlv's output files, and what sessions remember.", ""},
        {"runtimeDirectory", "path", default_runtime_directory(),
         "What does not: the socket of `delvegate status` and dlv's sockets.", ""},
        {"launcherSocket", "path", "/run/delvegate/launcher.sock",
         "Where the launcher listens, for components of kind launcher.", ""},
        {"confine", "auto, on or off", "auto",
         "Whether the gateway gives up what it does not need once it listens: capabilities, most system calls (seccomp), and, with "
         "components of kind launcher only, all files but its own (Landlock). auto: where no component needs otherwise; on: or it "
         "does not start. Components of kind exec are its children, and cannot be had with it.",
         ""},
        {"certificateTtl", "duration", "1d",
         "How long a certificate lives that somebody enrolled for or renewed.", ""},
        {"renewWindow", "duration", "30d",
         "How long after enrolment a certificate can be renewed; then a new token is needed.", ""},
        {"logLevel", "debug, info, warn or error", "info",
         "The least severe messages to log, on standard error.", ""},
        {"logFormat", "auto, text, json or journal", "auto",
         "One line of text, or one JSON object, per message on standard error; journal: entries with fields of their own, "
         "DELVEGATE_SESSION and DELVEGATE_COMPONENT. auto: journal where standard error is systemd's journal, else text.",
         ""},
        };
        for (const auto& key : audit_keys()) rows.push_back(key.row);
        return rows;
    }();
    return keys;
}

const std::vector<plain_key>& client_ca_keys() {
    static const std::vector<plain_key> keys{
        {"name", "DNS label", "", "What it is called in prefixes, logs and lists.", "cluster"},
        {"file", "path", "",
         "Its certificates, PEM: one or more roots, and CAs below them that clients do not send along.",
         "/etc/kubernetes/pki/ca.crt"},
        {"prefix", "text", "\"NAME:\"",
         "Put before every user and group it asserts, so that it cannot make one of ours. Empty: none.", ""},
        {"users", "list of patterns", "[\"*\"]",
         "Users it may assert, before the prefix; * and ? as in a shell. Others are refused.", ""},
        {"groups", "list of patterns", "[\"*\"]",
         "Groups it may assert; others are left out. Must be given where the prefix is empty.", ""},
        {"trustDomain", "text", "",
         "The SPIFFE trust domain it may speak for: then the URI SAN of its certificates is the user, and those "
         "without one are refused. Without it SPIFFE IDs are refused.",
         "prod.example"},
        {"crls", "list of paths", "[]", "Its revocation lists, as clientCRLs.", ""},
        {"staleCRL", "refuse or warn", "refuse", "As staleCRL above, for this CA.", ""},
    };
    return keys;
}

const std::vector<plain_key>& component_keys() {
    static const std::vector<plain_key> keys{
        {"name", "DNS label", "", "What `delvegate connect` calls it: lower-case letters, digits and hyphens.",
         "scheduler"},
        {"kind", "exec, connect or launcher", "exec",
         "exec starts a program under dlv; connect uses a headless dlv that is already running, with "
         "--accept-multiclient; launcher is what root's launcher.yaml defines under this name, run and put back by the launcher.",
         ""},
        {"users", "list of text", "[]",
         "Users (certificate CN) who may do everything with it (role admin). Nobody listed in users or groups "
         "here, and nobody by the policy: nobody admitted.", ""},
        {"groups", "list of text", "[]", "Groups (certificate O) whose members may do everything with it.", ""},
        {"maxViewers", "count", "64", "IDE connections at once; a further one is told who is there.", ""},
        {"runControl", "baton or open", "baton",
         "Who may run and step it. baton: one person at a time, who hands it over; open: everybody who has the class control. "
         "Pausing is everybody's who has it, either way.",
         ""},
        {"batonIdle", "duration", "5m", "After so long without a deed of who has the baton, it is anybody's.", ""},
        {"batonFirst", "duration", "30s",
         "How long whoever set a breakpoint comes first when the program stops there, whoever has the baton; 0s: they do not.", ""},
        {"sources", "path", "",
         "A checkout of the program's sources on this host: the text of the line where it stands is shown to who has the class read. "
         "Nothing but what is below it is read.",
         "/usr/src/kubernetes"},
        {"binary", "path", "", "kind exec: the Go program, built with debug information.",
         "/usr/local/bin/kube-scheduler"},
        {"args", "list of text", "[]", "kind exec: the program's arguments.", ""},
        {"env", "map of text", "{}", "kind exec: environment variables added to a minimal environment.", ""},
        {"workingDirectory", "path", "\"\"",
         "kind exec: where the program runs; empty: where the gateway was started.", ""},
        {"user", "text", "\"\"",
         "The system user the program runs as (kind exec; another than the gateway's own needs root), or whose dlv it must be "
         "(kind connect); empty: the gateway's own.",
         ""},
        {"dlv", "path or name", "dlv", "kind exec: the dlv to use; a name is looked up in PATH.", ""},
        {"stopOnEntry", "true or false", "true",
         "kind exec: whether the program waits at its entry for the first IDE, or runs on at once.", ""},
        {"memoryLimit", "bytes", "4GiB", "kind exec: memory of dlv and the program together; 0: no limit.", ""},
        {"stopBudget", "duration", "",
         "kind exec: how long it may be kept from its duty by stops. Everybody is warned at half and at 80 %; then its "
         "breakpoints are switched off, and it goes on. Without it: as long as people like.",
         "10s"},
        {"duty", "duration", "",
         "kind exec: how long it must run freely until past stops count no more, and breakpoints come on again. Without it: a "
         "quarter of stopBudget.",
         "2s"},
        {"park", "duration", "",
         "kinds exec and connect: how long a stop may be held on purpose (`delvegate park`), whatever stopBudget says; 0s: not at "
         "all. Without it: 1h, and 0s where there is a stopBudget.",
         "30m"},
        {"address", "address", "",
         "kind connect: where dlv listens: 127.0.0.1:PORT, [::1]:PORT or unix:PATH.", "127.0.0.1:2345"},
    };
    return keys;
}

std::string nearest(std::string_view wrong, const std::vector<std::string_view>& known) {
    return launcher::nearest_name(wrong, known);
}

std::string default_config_text() {
    std::string out =
        "# Configuration of `delvegate serve`. What is shown is the default; a key may be left out.\n"
        "# Durations: 500ms, 10s, 15m, 12h, 7d. Bytes: 65536, 64KiB, 4MiB, 1GiB.\n";
    for (const plain_key& key : top_keys()) {
        out += "\n# " + std::string(key.sentence) + "\n# (" + std::string(key.kind) + ")\n";
        if (key.fallback.empty()) out += "# ";
        out += std::string(key.name) + ": " + (key.fallback.empty() ? std::string(key.example) : key.fallback) + "\n";
    }
    const auto entries = [&out](const std::vector<plain_key>& keys) {
        bool first = true;
        for (const plain_key& key : keys) {
            out += "#     # " + std::string(key.sentence) + " (" + std::string(key.kind) + ")\n";
            out += std::exchange(first, false) ? "#   - " : "#     ";
            out += std::string(key.name) + ": " + (key.fallback.empty() ? std::string(key.example) : key.fallback) + "\n";
        }
    };
    out += "\n# Further CAs whose certificates clients may come with. One entry, with every key:\nclientCAs: []\n";
    entries(client_ca_keys());
    out += "\nlimits:\n";
    const limits defaults;
    for (const limit_key& key : limit_keys()) {
        out += "  # " + std::string(key.sentence) + " (" + std::string(key.unit) + ")\n";
        out += "  " + std::string(key.name) + ": " + format_limit(key, defaults) + "\n";
    }
    out += "\n# What can be debugged here; none by default. One entry, with every key:\ncomponents: []\n";
    entries(component_keys());
    return out;
}

std::string config_reference() {
    const auto row = [](std::string_view prefix, std::string_view name, std::string_view kind,
                        const std::string& fallback, std::string_view sentence) {
        return "| `" + std::string(prefix) + std::string(name) + "` | " + std::string(kind) + " | " +
               (fallback.empty() ? "–" : "`" + fallback + "`") + " | " + std::string(sentence) + " |\n";
    };
    // What differs from user to user is told as root's.
    const auto fallback_of = [](const plain_key& key) -> std::string {
        if (key.name == "stateDirectory") return "/var/lib/delvegate";
        if (key.name == "runtimeDirectory") return "/run/delvegate";
        return key.fallback;
    };
    const std::string head = "| key | value | default | meaning |\n|---|---|---|---|\n";
    std::string out = "### The gateway\n\n" + head;
    for (const auto& key : top_keys()) out += row("", key.name, key.kind, fallback_of(key), key.sentence);
    out += "\n### Further client CAs\n\n" + head;
    for (const auto& key : client_ca_keys())
        out += row("clientCAs[].", key.name, key.kind, key.fallback, key.sentence);
    out += "\n### Components\n\n" + head;
    for (const auto& key : component_keys())
        out += row("components[].", key.name, key.kind, key.fallback, key.sentence);
    out += "\n### Limits\n\n" + head;
    const limits defaults;
    for (const auto& key : limit_keys())
        out += row("limits.", key.name, key.unit, format_limit(key, defaults), key.sentence);
    return out;
}

}  // namespace gateway
