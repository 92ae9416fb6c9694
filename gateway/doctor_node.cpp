// The checks of a node.
#include "gateway/doctor.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <thread>

#include "auth/glob.h"
#include "auth/trusted_ca.h"
#include "gateway/permissions.h"
#include "gateway/status_socket.h"
#include "launcher/journal.h"
#include "launcher/launcher_client.h"
#include "launcher/listeners.h"

namespace gateway {

using protocol::json;

namespace {

constexpr std::chrono::seconds patience{5};

bool there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }
bool readable(const std::string& path) { return ::access(path.c_str(), R_OK) == 0; }
// It may be there, and this user is not shown it.
bool hidden(const std::string& path) { return !readable(path) && errno == EACCES; }

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string gateway_file(const node_place& where) {
    return where.gateway.config_file.empty() ? default_config_file() : where.gateway.config_file;
}

// The gateway's answer to GET /v1/status; a gateway that hangs is not waited for.
launcher::outcome<gateway_answer> status_of(const std::string& directory) {
    auto promise = std::make_shared<std::promise<launcher::outcome<gateway_answer>>>();
    auto answer = promise->get_future();
    std::thread([promise, directory] { promise->set_value(ask_gateway(directory, "/v1/status")); }).detach();
    if (answer.wait_for(patience) == std::future_status::ready) return answer.get();
    return {boost::system::in_place_error, "the gateway at " + status_socket_path(directory) + " does not answer within " +
                                               std::to_string(patience.count()) + " s"};
}

// As dlv's program does it.
int try_to_be_traced() {
    const pid_t child = ::fork();
    if (child < 0) return errno;
    if (child == 0) ::_exit(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : errno);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

int yama_scope() {
    const std::string text = text_of("/proc/sys/kernel/yama/ptrace_scope");
    return text.empty() ? -1 : std::atoi(text.c_str());
}

void check_certificates(const config& configuration, long long now, diagnoses& to) {
    const bool own = configuration.certificate.empty();
    auth::tls_files files;
    // The packaged unit names a directory of its own below the usual one.
    const std::string below = configuration.state_directory + "/gateway";
    const std::string state = own && there(below + "/gateway.crt") ? below : configuration.state_directory;
    files.certificate = own ? state + "/gateway.crt" : configuration.certificate;
    files.key = own ? state + "/gateway.key" : configuration.key;
    const bool made = !own || there(files.certificate);
    if (hidden(files.certificate) || hidden(files.key))
        to.push_back({"certificate", verdict::skipped, files.key + " may not be read by this user", "run it as root, or as the gateway's user"});
    else if (!made)
        to.push_back({"certificate", verdict::skipped, "there is none in " + state + "; the gateway makes its own at its first start", {}});
    else
        to.push_back(judge_pair("certificate", files, own ? "start the gateway again: it issues a new one" : "put a new one at " + files.certificate, now));
    std::vector<auth::client_ca> authorities = configuration.client_cas;
    auth::client_ca first;
    first.file = own ? state + "/ca/ca.crt" : configuration.client_ca;
    first.crls = configuration.client_crls;
    if (!first.file.empty() && made) authorities.insert(authorities.begin(), first);
    for (const auto& one : authorities) {
        const std::string check = "CA " + one.name;
        if (hidden(one.file)) {
            to.push_back({check, verdict::skipped, one.file + " may not be read by this user", "run it as root, or as the gateway's user"});
            continue;
        }
        const auto loaded = auth::trusted_ca::load(one);
        if (!loaded) {
            to.push_back({check, verdict::fail, loaded.error(), "correct the file, or the key that names it in gateway.yaml"});
            continue;
        }
        diagnosis found{check, verdict::ok, one.file + ": roots: " + std::to_string((*loaded)->roots().size()), {}};
        for (const auto& root : (*loaded)->roots())
            if (X509_cmp_time(X509_get0_notAfter(root.certificate.get()), nullptr) <= 0)
                found = {check, verdict::fail, one.file + ": a root expired on " + auth::to_string(X509_get0_notAfter(root.certificate.get())),
                         "rotate the CA (docs/operations.md)"};
        const auto stale = (*loaded)->stale(now);
        if (found.how == verdict::ok && !stale.empty())
            found = {check, one.stale_crl_warns ? verdict::warn : verdict::fail, stale.front(), "fetch a new list; `delvegate ca crl` writes that of this CA"};
        to.push_back(std::move(found));
    }
}

// What listens on this host, in the network namespace that this is.
std::vector<launcher::tcp_listener> listening_here() {
    auto out = launcher::read_tcp_listeners(text_of("/proc/self/net/tcp"));
    for (auto& one : launcher::read_tcp_listeners(text_of("/proc/self/net/tcp6"))) out.push_back(std::move(one));
    return out;
}

void check_gateway(const node_place& where, long long now, diagnoses& to) {
    const std::string file = gateway_file(where);
    const auto directory = where.gateway.directory();
    const bool socket = directory && there(status_socket_path(*directory));
    if (!there(file)) {
        to.push_back({"gateway.yaml", verdict::skipped, "there is none at " + file, {}});
    } else if (!readable(file)) {
        to.push_back({"gateway.yaml", verdict::skipped, file + " may not be read by this user", "run it as root, or as the gateway's user"});
    }
    const auto configuration = readable(file) ? read_config(file) : launcher::outcome<config>(boost::system::in_place_error, "");
    if (readable(file) && !configuration)
        to.push_back({"gateway.yaml", verdict::fail, configuration.error(), "correct that line; `delvegate serve --print-default-config` shows every key"});
    if (configuration) to.push_back({"gateway.yaml", verdict::ok, file + ": components: " + std::to_string(configuration->components.size()), {}});
    bool answers = false;
    if (socket) {
        const auto said = status_of(*directory);
        answers = said && said->status == 200;
        to.push_back(answers ? diagnosis{"gateway", verdict::ok, "it answers at " + status_socket_path(*directory), {}}
                             : diagnosis{"gateway", verdict::fail, said ? "it refuses to tell its status" : said.error(), "journalctl -u delvegate; systemctl restart delvegate"});
    } else if (configuration) {
        to.push_back({"gateway", verdict::warn, "it does not run", "systemctl start delvegate, or `delvegate serve`"});
    }
    if (!configuration) return;
    for (const auto& listen : configuration->listen)
        if (listen.port != 0) to.push_back(judge_port(listen.port, listening_here(), answers));
    check_certificates(*configuration, now, to);
    if (!configuration->policy.empty() && hidden(configuration->policy)) {
        to.push_back({"policy", verdict::skipped, configuration->policy + " may not be read by this user", "run it as root, or as the gateway's user"});
        return;
    }
    const auto policy = load_policy(configuration->policy, configuration->components);
    to.push_back(policy ? judge_policy(*policy, configuration->components, configuration->policy)
                        : diagnosis{"policy", verdict::fail, policy.error(), "correct that line; `delvegate policy check FILE` reads it again"});
    for (const auto& one : configuration->components)
        if (one.how == component_config::kind::exec) to.push_back(check_dlv(one.name, one.exec.dlv, one.exec.binary));
}

void check_left(const launcher::launcher_config& configuration, bool runs, diagnoses& to) {
    if (runs) {
        auto client = launcher::launcher_client::connect(configuration.socket);
        if (!client) {
            to.push_back({"launcher", verdict::skipped, client.error().text, "run it as root"});
            return;
        }
        const auto answer = client->call({}, {}, patience);
        if (!answer) {
            to.push_back({"launcher", answer.error().unreachable ? verdict::fail : verdict::skipped, answer.error().text,
                          answer.error().unreachable ? "systemctl restart delvegate-launcher; what is out stays as it is" : "run it as root"});
            return;
        }
        to.push_back({"launcher", verdict::ok, "it answers at " + configuration.socket, {}});
        const auto* all = answer->result.find("components");
        if (const auto* list = all ? all->if_array() : answer->result.if_array())
            for (const auto& one : *list) to.push_back(judge_out(one));
        return;
    }
    const std::string journal_file = configuration.state_directory + "/journal.db";
    if (!readable(configuration.state_directory) || !there(journal_file)) {
        to.push_back({"left behind", verdict::skipped, there(journal_file) ? journal_file + " may not be read by this user" : "no launcher has run here", {}});
        return;
    }
    auto journal = launcher::journal::open(configuration.state_directory);
    const auto active = journal ? journal->active() : launcher::outcome<std::vector<launcher::detachment>>(boost::system::in_place_error, journal.error());
    if (!active)
        to.push_back({"left behind", verdict::fail, active.error(), "delvegate restore"});
    else if (active->empty())
        to.push_back({"left behind", verdict::ok, "nothing is taken out, by the launcher's journal", {}});
    else
        for (const auto& one : *active)
            to.push_back({"left behind", verdict::fail, one.component + " is taken out (" + launcher::name_of(one.step) + ", by " + one.started_by +
                          "), and no launcher runs", "delvegate restore " + one.component});
}

}  // namespace

diagnosis judge_policy(const auth::policy& policy, const std::vector<component_config>& components, const std::string& file) {
    const std::string mend = "bind a role to somebody in " + (file.empty() ? "a policy.yaml, which `policy` in gateway.yaml names" : file) +
                             "; then `delvegate policy can-i USER observe COMPONENT`";
    const auto admits = [&](const std::string& name) {
        return std::any_of(policy.bindings().begin(), policy.bindings().end(), [&](const auth::policy_binding& one) {
            if (one.users.empty() && one.groups.empty()) return false;
            if (one.role.classes.empty() && one.role.allow.empty()) return false;
            return std::any_of(one.components.begin(), one.components.end(), [&](const auto& glob) { return auth::glob_match(glob, name); });
        });
    };
    std::string closed;
    std::size_t open = 0;
    for (const auto& one : components) {
        if (admits(one.name))
            ++open;
        else
            closed += (closed.empty() ? "" : ", ") + one.name;
    }
    if (open == 0) return {"policy", verdict::fail, "it admits nobody to any component", mend};
    if (!closed.empty()) return {"policy", verdict::warn, "it admits nobody to " + closed, mend};
    return {"policy", verdict::ok, "it admits somebody to each component (whom: `delvegate policy can-i`)", {}};
}

diagnosis judge_port(std::uint16_t port, const std::vector<launcher::tcp_listener>& listeners, bool own) {
    diagnosis out{"port " + std::to_string(port), verdict::ok, {}, {}};
    std::vector<launcher::listening_socket> sockets;
    for (const auto& one : listeners)
        if (one.port == port) sockets.push_back({one.inode, {}});
    if (sockets.empty()) {
        out.text = own ? "the gateway answers, but nothing listens there in this network namespace" : "it is free";
        if (own) out.how = verdict::warn, out.mend = "look at `listen` in gateway.yaml, and restart the gateway";
        return out;
    }
    const auto who = launcher::who_holds(sockets);
    for (const auto& one : who.found) {
        const std::string name = one.argv.empty() ? "a process" : one.argv.front();
        const auto base = name.substr(name.rfind('/') + 1);
        const bool ours = base == "delvegate" || base == "systemd" || base == "init";
        if (ours && out.text.empty()) out.text = "held by " + name + " (pid " + std::to_string(one.pid) + ")";
        if (ours) continue;
        out.how = verdict::fail;
        out.text = "held by " + name + " (pid " + std::to_string(one.pid) + ", uid " + std::to_string(one.uid) + ")";
        out.mend = "end it, or give the gateway another port (`listen` in gateway.yaml)";
        return out;
    }
    if (out.text.empty()) {
        out.how = own ? verdict::ok : verdict::warn;
        out.text = own ? "somebody listens, and the gateway answers" : "somebody listens there whom this user may not see";
        if (!own) out.mend = "run it as root, or: ss -ltnp 'sport = :" + std::to_string(port) + "'";
    }
    return out;
}

diagnosis judge_ptrace(int scope, int traced) {
    const std::string yama = scope < 0 ? "this kernel has no yama" : "kernel.yama.ptrace_scope is " + std::to_string(scope);
    if (scope >= 3) return {"ptrace", verdict::fail, yama + ": nobody debugs here", "set it to 1 where it is configured (/etc/sysctl.d), and reboot: it cannot be lowered"};
    if (traced != 0)
        return {"ptrace", verdict::fail, std::string("the kernel does not let a child be traced: ") + std::strerror(traced) + "; " + yama,
                "allow ptrace: a container needs CAP_SYS_PTRACE or another seccomp profile; else sysctl kernel.yama.ptrace_scope=1"};
    if (scope == 2)
        return {"ptrace", verdict::warn, yama + ": only root debugs here", "sysctl kernel.yama.ptrace_scope=1, for programs of other users"};
    return {"ptrace", verdict::ok, "a child may be traced; " + yama, {}};
}

diagnosis judge_out(const json& status) {
    const std::string name(status.get_string("name")), state(status.get_string("state"));
    const std::string check = "component " + name;
    if (state == "not_put_back" || state == "failed") {
        std::string why;
        if (const auto* notes = status.find("notes"); notes && notes->if_array())
            for (const auto& one : *notes->if_array())
                if (const auto* text = one.if_string()) why += "; " + *text;
        const bool away = state == "not_put_back";
        return {check, away ? verdict::fail : verdict::warn, (away ? "it could not be put back" : "its last start was rolled back") + why,
                away ? "delvegate restore " + name : "delvegate inspect " + name};
    }
    const auto* out = status.find("detached");
    if (out && out->if_bool() && *out->if_bool())
        return {check, verdict::ok, "it is out and " + state + ", by " + std::string(status.get_string("by")) + "; delvegate stop " + name + " puts it back", {}};
    return {check, verdict::ok, "it is in its place (" + state + ")", {}};
}

bool is_node(const node_place& where) {
    if (!where.gateway.config_file.empty() || !where.gateway.runtime_directory.empty()) return true;
    if (where.launcher_config != launcher::default_launcher_config) return true;
    const auto directory = where.gateway.directory();
    return there(default_config_file()) || there(where.launcher_config) || (directory && there(status_socket_path(*directory))) ||
           there(launcher::launcher_config{}.socket);
}

diagnoses check_node(const node_place& where, long long now) {
    diagnoses out;
    check_gateway(where, now, out);
    out.push_back(judge_ptrace(yama_scope(), try_to_be_traced()));
    const std::string& file = where.launcher_config;
    if (!there(file)) {
        out.push_back({"launcher.yaml", verdict::skipped, "there is none at " + file + ": nothing of the node is taken out", {}});
    } else if (!readable(file)) {
        out.push_back({"launcher.yaml", verdict::skipped, file + " may not be read by this user", "run it as root"});
    } else if (const auto configuration = launcher::read_launcher_config(file); !configuration) {
        out.push_back({"launcher.yaml", verdict::fail, configuration.error(), "correct that; `delvegate launcher --check` reads it again"});
        check_left(launcher::salvage_launcher_config(file), false, out);
    } else {
        out.push_back({"launcher.yaml", verdict::ok, file + ": components: " + std::to_string(configuration->components.size()), {}});
        const bool runs = there(configuration->socket);
        if (!runs) out.push_back({"launcher", verdict::warn, "it does not run: there is no " + configuration->socket, "systemctl start delvegate-launcher"});
        check_left(*configuration, runs, out);
        check_components(*configuration, out);
    }
    return out;
}

}  // namespace gateway
