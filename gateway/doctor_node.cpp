// The checks of a node.
#include "gateway/doctor.h"

#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "auth/glob.h"
#include "auth/trusted_ca.h"
#include "gateway/permissions.h"
#include "gateway/status_socket.h"
#include "launcher/journal.h"
#include "launcher/launcher_client.h"
#include "storage/shell_word.h"

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

std::string policy_mend(const std::string& file, const std::string& why) {
    if (!there(file)) return "write " + file + " (docs/policy.md), or take `policy` out of gateway.yaml: `users` and `groups` of its components count alone then";
    if (why.find("chown it") != why.npos) return "chown root " + storage::shell_word(file);
    if (why.find("; run: ") != why.npos) return "as it says";
    return "correct that; `delvegate policy check FILE` reads it again";
}

// What a gateway tells of itself, where no configuration does.
void check_by_status(const json& status, pid_t gateway, diagnoses& to) {
    const auto* listen = status.find("listen");
    if (listen && listen->if_array())
        for (const auto& one : *listen->if_array())
            if (const auto* text = one.if_string())
                if (const auto where = parse_host_port(*text); where) to.push_back(judge_port(*where, listening_here(), {true, gateway, {}}));
    const auto* policy = status.find("policy");
    if (policy && !policy->get_string("error").empty()) {
        const std::string why(policy->get_string("error"));
        to.push_back({"policy", verdict::fail, why, policy_mend(std::string(policy->get_string("file")), why)});
    }
}

// Of a gateway that was named by its runtime directory the usual configuration is, if it names that directory, too.
launcher::outcome<config> configuration_of(const node_place& where, const std::string& file, diagnoses& to) {
    using result = launcher::outcome<config>;
    const result none(boost::system::in_place_error, "");
    const auto skip = [&](const std::string& why, const std::string& mend) {
        to.push_back({"gateway.yaml", verdict::skipped, why, mend});
        return none;
    };
    const std::string& named = where.gateway.runtime_directory;
    const bool by_directory = where.gateway.config_file.empty() && !named.empty();
    if (by_directory && !readable(file)) return skip("not looked for: the gateway is named by its runtime directory " + named, {});
    if (!where.gateway.config_file.empty() && !there(file) && errno != EACCES) {
        to.push_back({"gateway.yaml", verdict::fail, "there is no " + file, "--config names the gateway's configuration"});
        return none;
    }
    if (!there(file) && errno != EACCES) return skip("there is none at " + file, {});
    if (!readable(file)) return skip(file + " may not be read by this user", "run it as root, or as the gateway's user");
    auto read = read_config(file);
    if (by_directory && (!read || (read->runtime_directory != named && read->runtime_directory + "/gateway" != named)))
        return skip(file + " is not that of the gateway at " + named, "--config instead of --runtime-directory names another");
    if (!read) {
        to.push_back({"gateway.yaml", verdict::fail, read.error(), "correct that line; `delvegate serve --print-default-config` shows every key"});
        return none;
    }
    to.push_back({"gateway.yaml", verdict::ok, file + ": components: " + std::to_string(read->components.size()), {}});
    return read;
}

// Components of the launcher's, as the configuration or, where there is none, the gateway knows them.
using names = std::vector<std::string>;

names of_launcher(const launcher::outcome<config>& configuration, const launcher::outcome<json>& status) {
    names out;
    if (configuration) {
        for (const auto& one : configuration->components)
            if (one.how == component_config::kind::launcher) out.push_back(one.name);
    } else if (const auto* all = status ? status->find("components") : nullptr; all && all->if_array()) {
        for (const auto& one : *all->if_array())
            if (one.get_string("kind") == "launcher") out.emplace_back(one.get_string("name"));
    }
    return out;
}

names check_gateway(const node_place& where, long long now, diagnoses& to) {
    const std::string file = gateway_file(where);
    const auto directory = where.gateway.directory();
    const bool socket = directory && there(status_socket_path(*directory));
    const auto configuration = configuration_of(where, file, to);
    bool answers = false;
    pid_t pid = 0;
    launcher::outcome<json> status(boost::system::in_place_error, "");
    if (socket) {
        const auto said = ask_gateway(*directory, "/v1/status", {}, patience);
        answers = said && said->status == 200;
        if (answers) pid = said->gateway;
        to.push_back(answers ? diagnosis{"gateway", verdict::ok, "it answers at " + status_socket_path(*directory), {}}
                             : diagnosis{"gateway", verdict::fail, said ? "it refuses to tell its status" : said.error(), "journalctl -u delvegate; systemctl restart delvegate"});
        if (answers)
            if (auto parsed = protocol::parse_json(said->body, {.max_depth = 64, .fold_keys = false}); parsed) status = std::move(*parsed);
        if (status && !configuration) check_by_status(*status, pid, to);
        if (status)
            for (auto& one : judge_status(*status)) to.push_back(std::move(one));
    } else if (configuration) {
        to.push_back({"gateway", verdict::warn, "it does not run", "systemctl start delvegate, or `delvegate serve`"});
    } else if (!where.gateway.runtime_directory.empty()) {
        to.push_back({"gateway", verdict::fail, "no gateway answers at " + where.gateway.runtime_directory, "`delvegate serve`, or the directory that is meant"});
    }
    const names launched = of_launcher(configuration, status);
    if (!configuration) {
        if (!socket && !there(file) && where.gateway.runtime_directory.empty()) return launched;  // no node of a gateway's
        const auto told = [&](std::string_view check) {
            return std::any_of(to.begin(), to.end(), [&](const auto& one) { return one.check.starts_with(check); });
        };
        for (const char* check : {"port", "certificate", "policy", "dlv"})
            if (!told(check)) to.push_back({check, verdict::skipped, "what it would be compared with is in gateway.yaml, which was not read", {}});
        return launched;
    }
    for (const auto& listen : configuration->listen)
        if (listen.port != 0) to.push_back(judge_port(listen, listening_here(), {answers, pid, {}}));
    check_certificates(*configuration, now, to);
    if (!configuration->policy.empty() && hidden(configuration->policy)) {
        to.push_back({"policy", verdict::skipped, configuration->policy + " may not be read by this user", "run it as root, or as the gateway's user"});
        return launched;
    }
    const auto policy = load_policy(configuration->policy, configuration->components);
    to.push_back(policy ? judge_policy(*policy, configuration->components, configuration->policy)
                        : diagnosis{"policy", verdict::fail, policy.error(), policy_mend(configuration->policy, policy.error())});
    for (const auto& one : configuration->components)
        if (one.how == component_config::kind::exec) to.push_back(check_dlv(one.name, one.exec.dlv, one.exec.binary));
    return launched;
}

void check_by_launcher(launcher::launcher_client& client, const std::string& socket, diagnoses& to) {
    const auto answer = client.call({}, {}, patience);
    if (!answer) {
        to.push_back({"launcher", answer.error().unreachable ? verdict::fail : verdict::skipped, answer.error().text,
                      answer.error().unreachable ? "systemctl restart delvegate-launcher; what is out stays as it is" : "run it as root"});
        return;
    }
    to.push_back({"launcher", verdict::ok, "it answers at " + socket, {}});
    const auto* all = answer->result.find("components");
    if (const auto* list = all ? all->if_array() : answer->result.if_array())
        for (const auto& one : *list) to.push_back(judge_out(one));
}

// By the launcher where there is its socket; by its journal where it does not run, or was ended and has left the socket.
void check_left(const launcher::launcher_config& configuration, bool socket, diagnoses& to) {
    if (socket) {
        auto client = launcher::launcher_client::connect(configuration.socket);
        if (client) return check_by_launcher(*client, configuration.socket, to);
        const bool refused = client.error().fault == launcher::launcher_fault::refused;
        to.push_back({"launcher", refused ? verdict::skipped : verdict::warn, client.error().text, refused ? "run it as root" : "systemctl start delvegate-launcher"});
        if (refused) return;
    }
    const std::string journal_file = configuration.state_directory + "/journal.db";
    if (hidden(configuration.state_directory)) {
        to.push_back({"left behind", verdict::skipped, journal_file + " may not be read by this user", "run it as root"});
        return;
    }
    if (!there(journal_file)) {
        to.push_back({"left behind", verdict::skipped, "no launcher has run here: there is no " + journal_file, {}});
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

diagnosis judge_node_directory(const std::string& path, uid_t owner, mode_t mode) {
    const std::string check = "directory " + path;
    if (owner == 0 && (mode & 07777) == 0755) return {check, verdict::ok, "it is root's, and others may come through it", {}};
    std::ostringstream text;
    text << "it is of uid " << owner << " with mode " << std::oct << (mode & 07777) << ", not root's with 755: ";
    const bool open = owner != 0 || (mode & 0022) != 0;
    text << (open ? "who may write into it may put another in the launcher's place" : "the gateway's service does not come to its own below it");
    return {check, verdict::warn, text.str(), std::string(owner == 0 ? "" : "chown root: " + path + " && ") + "chmod 755 " + path};
}

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
    if (where.launcher_named || where.launcher_config != launcher::default_launcher_config) return true;
    const auto directory = where.gateway.directory();
    return there(default_config_file()) || there(where.launcher_config) || (directory && there(status_socket_path(*directory))) ||
           there(launcher::launcher_config{}.socket);
}

diagnoses check_node(const node_place& where, long long now) {
    diagnoses out;
    const auto launched = check_gateway(where, now, out);
    for (const auto& path : {std::string(node_state_directory), std::string(node_runtime_directory)})
        if (struct stat info {}; ::stat(path.c_str(), &info) == 0) out.push_back(judge_node_directory(path, info.st_uid, info.st_mode));
    out.push_back(judge_ptrace(yama_scope(), try_to_be_traced()));
    const std::string& file = where.launcher_config;
    if (!there(file)) {
        std::string wanted;
        for (const auto& one : launched) wanted += (wanted.empty() ? "" : ", ") + one;
        if (where.launcher_named)
            out.push_back({"launcher.yaml", verdict::fail, "there is no " + file, "--launcher-config names the launcher's configuration"});
        else if (!wanted.empty())
            out.push_back({"launcher.yaml", verdict::fail, "there is none at " + file + ", and the gateway has components of the launcher's: " + wanted,
                           "write it (docs/launcher.md), or take those components out of gateway.yaml"});
        else
            out.push_back({"launcher.yaml", verdict::skipped, "there is none at " + file, {}});
        // Whoever had one once may have left something out.
        const launcher::launcher_config usual;
        check_left(usual, there(usual.socket), out);
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
