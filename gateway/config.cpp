#include "gateway/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "auth/spiffe.h"
#include "gateway/config_reader.h"
#include "storage/trusted_file.h"

namespace gateway {
namespace {

constexpr std::size_t max_file = 1024 * 1024;

class reader : public config_reader {
public:
    using config_reader::config_reader;

    config read(const YAML::Node& root) {
        config out;
        out.state_directory = default_state_directory();
        out.runtime_directory = default_runtime_directory();
        std::vector<std::string_view> known = names(top_keys());
        known.insert(known.end(), {"clientCAs", "limits", "components"});
        if (!root.IsNull())
            each(root, "the file", known, [&](const std::string& key, const YAML::Node& value) { top(out, key, value); });
        const int pair = !out.certificate.empty() + !out.key.empty();
        const bool no_ca = out.client_ca.empty() && out.client_cas.empty();
        if (ok() && (pair == 1 || (pair == 2 && no_ca) || (pair == 0 && !out.client_ca.empty())))
            fail(root, "certificate, key and clientCA go together: give all three, or none to let the "
                       "gateway make its own");
        return out;
    }

private:
    void top(config& out, const std::string& key, const YAML::Node& value) {
        if (key == "listen") {
            out.listen.clear();
            for (const std::string& one : list(key, value, false))
                if (ok()) out.listen.push_back(checked(value, key, parse_host_port(one)));
            if (ok() && out.listen.empty()) fail(value, "`listen` names no address");
        } else if (key == "enrollListen") {
            for (const std::string& one : list(key, value, false))
                if (ok()) out.enroll_listen.push_back(checked(value, key, parse_host_port(one)));
            if (ok() && out.enroll_listen.empty()) fail(value, "`enrollListen` names no address");
        } else if (key == "metricsListen") {
            for (const std::string& one : list(key, value, false)) {
                if (!ok()) return;
                out.metrics_listen.push_back(checked(value, key, parse_host_port(one)));
                if (ok() && !is_loopback(out.metrics_listen.back().host))
                    fail(value, "`metricsListen` is for this host alone: 127.0.0.1 or [::1], not \"" + one + "\"; from elsewhere "
                                "metrics are read at GET /v1/metrics of the control API, with a client certificate");
            }
            if (ok() && out.metrics_listen.empty()) fail(value, "`metricsListen` names no address");
        } else if (key == "certificate") {
            out.certificate = path(key, value);
        } else if (key == "key") {
            out.key = path(key, value);
        } else if (key == "clientCA") {
            out.client_ca = path(key, value);
        } else if (key == "clientCRLs") {
            out.client_crls = paths(key, value);
        } else if (key == "staleCRL") {
            out.stale_crl_warns = one_of(key, value, {"refuse", "warn"}) == "warn";
        } else if (key == "revocations") {
            out.revocations = path(key, value);
        } else if (key == "clientCAs") {
            if (!value.IsSequence()) return fail(value, "`clientCAs` must be a list");
            for (const auto& item : value)
                if (ok()) client_ca(out, item);
        } else if (key == "policy") {
            out.policy = path(key, value);
        } else if (key == "stateDirectory") {
            out.state_directory = path(key, value);
        } else if (key == "runtimeDirectory") {
            out.runtime_directory = path(key, value);
        } else if (key == "launcherSocket") {
            out.launcher_socket = path(key, value);
        } else if (key == "confine") {
            const auto word = one_of(key, value, {"auto", "on", "off"});
            out.confine = word == "on" ? confine_mode::on : word == "off" ? confine_mode::off : confine_mode::automatic;
        } else if (key == "certificateTtl") {
            out.certificate_ttl = span(key, value);
        } else if (key == "renewWindow") {
            out.renew_window = span(key, value);
        } else if (key == "logLevel") {
            out.log_level = one_of(key, value, {"debug", "info", "warn", "error"});
        } else if (key == "logFormat") {
            out.log_format = one_of(key, value, {"auto", "text", "json", "journal"});
        } else if (const audit_key* setting = find_audit_key(key)) {
            audit(out.audit, *setting, value);
        } else if (key == "limits") {
            each(value, "`limits`", names(limit_keys()),
                 [&](const std::string& name, const YAML::Node& given) { limit(out.bounds, name, given); });
        } else {
            if (!value.IsSequence()) return fail(value, "`components` must be a list");
            for (const auto& item : value)
                if (ok()) component(out, item);
        }
    }

    // Of a certificate: whole seconds, and no shorter than clocks differ.
    std::chrono::milliseconds span(const std::string& key, const YAML::Node& value) {
        const auto time = checked(value, key, parse_duration(text(key, value)));
        if (ok() && (time < std::chrono::minutes(1) || time > std::chrono::hours(24) * 3650))
            fail(value, "`" + key + "` must be between 1m and 3650d");
        return time;
    }

    void audit(audit_config& out, const audit_key& key, const YAML::Node& value) {
        const std::string name(key.row.name);
        const bool many = key.how == audit_key::form::list;
        auto given = many ? list(name, value, false) : std::vector<std::string>{some_text(name, value)};
        const auto is_word = [&name](const std::string& text) {
            return text == "off" || (name == "auditAnchors" && text == "journal");
        };
        if (key.how == audit_key::form::path && !is_word(given[0])) given[0] = absolute(given[0]);
        if (!ok()) return;
        if (const std::string wrong = key.set(out, given); !wrong.empty()) fail(value, "`" + name + "`: " + wrong);
    }

    std::vector<std::string> paths(const std::string& key, const YAML::Node& value) {
        auto all = list(key, value, false);
        for (auto& one : all) one = absolute(std::move(one));
        return all;
    }

    void client_ca(config& out, const YAML::Node& node) {
        auth::client_ca one;
        one.name.clear();
        bool prefix_given = false, groups_given = false;
        each(node, "a client CA", names(client_ca_keys()), [&](const std::string& key, const YAML::Node& value) {
            if (key == "name") {
                one.name = text(key, value);
                if (ok() && !is_dns_label(one.name))
                    return fail(value, "`name` must be of lower-case letters, digits and inner hyphens, at most 63; "
                                       "not \"" + one.name + "\"");
                for (const auto& other : out.client_cas)
                    if (other.name == one.name) return fail(value, "two client CAs are called " + one.name);
            }
            if (key == "file") one.file = path(key, value);
            if (key == "prefix") {
                one.prefix = text(key, value);
                prefix_given = true;
            }
            if (key == "users") one.users = list(key, value, false);
            if (key == "groups") {
                one.groups = list(key, value, false);
                groups_given = true;
            }
            if (key == "trustDomain") {
                one.trust_domain = text(key, value);
                if (ok() && !auth::is_trust_domain(one.trust_domain))
                    return fail(value, "`trustDomain` must be of lower-case letters, digits, dots, hyphens and "
                                       "underscores, without spiffe://; not \"" + one.trust_domain + "\"");
            }
            if (key == "crls") one.crls = paths(key, value);
            if (key == "staleCRL") one.stale_crl_warns = one_of(key, value, {"refuse", "warn"}) == "warn";
        });
        if (!ok()) return;
        if (one.name.empty()) return fail(node, "a client CA needs a `name`: it stands before the names it asserts");
        if (one.file.empty()) return fail(node, "client CA " + one.name + " needs a `file`: its certificates, PEM");
        if (!prefix_given) one.prefix = one.name + ":";
        if (one.prefix.empty() && !groups_given)
            return fail(node, "client CA " + one.name + " has an empty `prefix`, so its groups would be ours: list its `groups` (none: [])");
        out.client_cas.push_back(std::move(one));
    }

    // A plain number above zero.
    std::size_t count(const std::string& name, const YAML::Node& value) {
        const std::string given = text(name, value);
        const auto parsed = parse_size(given);
        if (parsed && *parsed > 0 && given.find_first_not_of("0123456789") == std::string::npos) return *parsed;
        fail(value, "`" + name + "` must be a number above zero; not \"" + given + "\"");
        return 0;
    }

    void limit(limits& bounds, const std::string& name, const YAML::Node& value) {
        for (const limit_key& key : limit_keys()) {
            if (key.name != name) continue;
            const std::string given = text(name, value);
            if (!ok()) return;
            if (key.time) {
                bounds.*key.time = checked(value, name, parse_duration(given));
                // Nothing may take no time at all, but the goodbye.
                if (ok() && (bounds.*key.time).count() == 0 && name != "drainTime")
                    fail(value, "`" + name + "` must be longer than nothing");
                return;
            }
            if (key.unit == "count") {
                bounds.*key.number = count(name, value);
                // All of a link are named in one frame when it goes on.
                if (name == "streamsPerLink" && bounds.streams_per_link > 2000)
                    fail(value, "`" + name + "` must be at most 2000");
                return;
            }
            const auto parsed = parse_size(given);
            // What is kept for others may be nothing.
            if (!parsed || (*parsed == 0 && name != "outputKept"))
                return fail(value, "`" + name + "` must be a size above zero, such as 64KiB or 4MiB; not \"" + given + "\"");
            bounds.*key.number = *parsed;
            return;
        }
    }

    void component(config& out, const YAML::Node& node) {
        component_config one;
        std::map<std::string, YAML::Node> given;
        each(node, "a component", names(component_keys()),
             [&](const std::string& key, const YAML::Node& value) { given.emplace(key, value); });
        if (!ok()) return;
        const auto at = [&](const char* key) { return given.find(key) == given.end() ? nullptr : &given.at(key); };
        if (!at("name")) return fail(node, "a component needs a `name`");
        one.name = text("name", *at("name"));
        if (ok() && !is_dns_label(one.name))
            return fail(*at("name"), "`name` must be of lower-case letters, digits and inner hyphens, at most "
                                     "63; not \"" + one.name + "\"");
        for (const auto& other : out.components)
            if (other.name == one.name) return fail(*at("name"), "two components are called " + one.name);
        if (const auto* kind = at("kind"))
            kind_of(one, *kind);
        if (const auto* users = at("users")) one.users = list("users", *users, false);
        if (const auto* groups = at("groups")) one.groups = list("groups", *groups, false);
        if (const auto* viewers = at("maxViewers")) one.max_viewers = count("maxViewers", *viewers);
        if (const auto* sources = at("sources")) one.sources = path("sources", *sources);
        if (const auto* who = at("runControl")) one.baton.open = one_of("runControl", *who, {"baton", "open"}) == "open";
        if (const auto* idle = at("batonIdle")) {
            one.baton.idle = checked(*idle, "batonIdle", parse_duration(text("batonIdle", *idle)));
            if (ok() && (one.baton.idle < std::chrono::seconds(1) || one.baton.idle > std::chrono::hours(24)))
                return fail(*idle, "`batonIdle` must be between 1s and 1d");
        }
        if (const auto* first = at("batonFirst")) {
            one.baton.first_right = checked(*first, "batonFirst", parse_duration(text("batonFirst", *first)));
            if (ok() && one.baton.first_right > std::chrono::hours(1)) return fail(*first, "`batonFirst` must be at most 1h");
        }
        if (const auto* time = at("park"); time && one.how != component_config::kind::launcher) {
            one.park = checked(*time, "park", parse_duration(text("park", *time)));
            if (ok() && (*one.park > std::chrono::hours(24 * 7) || *one.park % std::chrono::seconds(1) != std::chrono::milliseconds(0)))
                return fail(*time, "`park` must be of whole seconds, at most 7d");
        }
        if (one.how == component_config::kind::launcher)
            launcher_part(given);
        else if (one.how == component_config::kind::connect)
            connect_part(one, node, given);
        else
            exec_part(one, node, given);
        out.components.push_back(std::move(one));
    }

    void kind_of(component_config& one, const YAML::Node& value) {
        using enum component_config::kind;
        const auto given = one_of("kind", value, {to_string(exec), to_string(connect), to_string(launcher)});
        for (const auto how : {exec, connect, launcher})
            if (to_string(how) == given) one.how = how;
    }

    static bool of_every_kind(const std::string& key) {
        constexpr std::array<std::string_view, 9> keys{"name",       "kind",      "users",      "groups", "maxViewers",
                                                      "runControl", "batonIdle", "batonFirst", "sources"};
        return std::find(keys.begin(), keys.end(), key) != keys.end();
    }

    void launcher_part(const std::map<std::string, YAML::Node>& given) {
        for (const auto& [key, value] : given)
            if (!of_every_kind(key))
                return fail(value, "`" + key + "` is not for kind launcher: what it runs, and how, stands in root's launcher.yaml");
    }

    void connect_part(component_config& one, const YAML::Node& node, const std::map<std::string, YAML::Node>& given) {
        for (const auto& [key, value] : given) {
            if (key == "address")
                one.address = checked(value, key, launcher::parse_address(text(key, value)));
            else if (key == "user")
                one.dlv_user = text(key, value);
            else if (!of_every_kind(key) && key != "park")
                return fail(value, "`" + key + "` belongs to kind exec, and this component is of kind connect");
        }
        if (ok() && !given.contains("address"))
            fail(node, "component " + one.name + " needs an `address`: where its dlv listens");
    }

    void exec_part(component_config& one, const YAML::Node& node, const std::map<std::string, YAML::Node>& given) {
        launcher::exec_spec& spec = one.exec;
        spec.name = one.name;
        for (const auto& [key, value] : given) {
            if (key == "binary") spec.binary = path(key, value);
            if (key == "args") spec.args = list(key, value, true);
            if (key == "env") environment_of(spec, value);
            if (key == "workingDirectory") spec.working_directory = absolute(text(key, value));
            if (key == "user") spec.user = text(key, value);
            if (key == "dlv") {
                spec.dlv = some_text(key, value);
                if (spec.dlv.find('/') != std::string::npos) spec.dlv = absolute(spec.dlv);
            }
            if (key == "stopOnEntry") one.stop_on_entry = one_of(key, value, {"true", "false"}) == "true";
            if (key == "stopBudget") one.budget.damage = stop_time(key, value);
            if (key == "duty") one.budget.duty = stop_time(key, value);
            if (key == "memoryLimit") spec.memory_limit = checked(value, key, parse_size(text(key, value)));
            if (key == "address")
                return fail(value, "`address` belongs to kind connect; say `kind: connect`");
        }
        if (ok() && one.budget.duty.count() > 0 && !one.budget.any())
            fail(node, "component " + one.name + " has a `duty` and no `stopBudget`");
        if (ok() && spec.binary.empty())
            fail(node, "component " + one.name + " needs a `binary`: the Go program to run under dlv");
    }

    std::chrono::milliseconds stop_time(const std::string& key, const YAML::Node& value) {
        const auto time = checked(value, key, parse_duration(text(key, value)));
        if (ok() && (time < std::chrono::milliseconds(100) || time > std::chrono::hours(24)))
            fail(value, "`" + key + "` must be between 100ms and 1d");
        return time;
    }

    void environment_of(launcher::exec_spec& spec, const YAML::Node& value) {
        if (!value.IsMap()) return fail(value, "`env` must be a map, such as {NAME: value}");
        std::set<std::string> seen;
        for (const auto& entry : value) {
            const std::string name = text("env", entry.first);
            if (name.empty() || name.find('=') != std::string::npos)
                return fail(entry.first, "\"" + name + "\" is not a name of an environment variable");
            if (!seen.insert(name).second) return fail(entry.first, "`env` names " + name + " twice");
            spec.env.emplace_back(name, text("env", entry.second));
        }
    }
};

}  // namespace

launcher::outcome<config> parse_config(std::string_view text, const std::string& file, const std::string& directory) {
    reader in(file, directory);
    try {
        const YAML::Node root = YAML::Load(std::string(text));
        config out = in.read(root);
        if (!in.ok()) return in.error();
        return out;
    } catch (const YAML::Exception& error) {
        std::string line = file;
        if (!error.mark.is_null())
            line += ":" + std::to_string(error.mark.line + 1) + ":" + std::to_string(error.mark.column + 1);
        return line + ": not valid YAML: " + error.msg;
    }
}

launcher::outcome<config> read_config(const std::string& file) {
    const auto text = storage::read_trusted(file, max_file);
    if (!text) return text.error();
    if (text->size() > max_file) return file + ": longer than 1 MiB; is this a configuration?";
    const std::size_t slash = file.rfind('/');
    std::string directory = slash == std::string::npos ? "." : file.substr(0, slash);
    if (directory.empty()) directory = "/";
    // What is written in the file stays true whatever becomes of the working directory.
    if (char* full = ::realpath(directory.c_str(), nullptr)) {
        directory = full;
        std::free(full);
    }
    return parse_config(*text, file, directory);
}

}  // namespace gateway
