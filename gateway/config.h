// gateway.yaml as a value: read once, checked whole, every error one line with its place.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/trusted_ca.h"
#include "gateway/config_audit.h"
#include "gateway/baton.h"
#include "gateway/budget_clock.h"
#include "gateway/limits.h"
#include "launcher/dlv_process.h"

namespace gateway {

struct host_port {
    std::string host;  // name or address, without brackets
    std::uint16_t port = 0;
};
std::string to_string(const host_port& where);  // "[::]:7443"

struct component_config {
    enum class kind { exec, connect, launcher };

    std::string name;  // a DNS label: it is the first label of the SNI
    kind how = kind::exec;
    std::vector<std::string> users;   // CNs that may debug it
    std::vector<std::string> groups;  // Os that may debug it
    std::size_t max_viewers = 64;     // IDEs at once
    baton_settings baton{};           // who may run it
    std::string sources;              // a checkout; empty: none
    // kind exec: what to start. name, runtime_directory and output_file are filled in by serve.
    launcher::exec_spec exec;
    bool stop_on_entry = true;        // false: the program runs on as soon as dlv answers
    // kind connect: a headless dlv that somebody else started.
    launcher::dlv_address address;
    std::string dlv_user;             // whose it is; empty: the gateway's user
    // kind exec: none by default. Of a component of kind launcher it is the launcher that tells.
    stop_budget budget;
    // How long a stop may be held on purpose; empty: 1 h where there is no budget, and else not at all. Of kind launcher it is
    // root's to say.
    std::optional<std::chrono::milliseconds> park;
    std::chrono::milliseconds longest_park() const {
        return park.value_or(budget.any() ? std::chrono::milliseconds(0) : std::chrono::milliseconds(std::chrono::hours(1)));
    }
    // kind launcher: all that is to be known stands in root's launcher.yaml.
};
std::string_view to_string(component_config::kind how);  // "exec"

inline constexpr std::uint16_t enroll_port = 7444;

enum class confine_mode { automatic, on, off };

struct config {
    std::vector<host_port> listen{{"::", 7443}};
    std::vector<host_port> enroll_listen;  // empty: the hosts of `listen`, enroll_port
    std::vector<host_port> metrics_listen;  // loopback addresses only; empty: none
    std::string certificate;
    std::string key;
    std::string client_ca;
    std::vector<std::string> client_crls;     // of client_ca
    bool stale_crl_warns = false;             // ... and what becomes of one past its next update
    std::vector<auth::client_ca> client_cas;  // further ones
    std::string revocations;                  // a file; empty: none
    std::string policy;             // policy.yaml; empty: only the components' users and groups
    std::string state_directory;    // default: default_state_directory()
    std::string runtime_directory;  // default: default_runtime_directory()
    std::string launcher_socket = "/run/delvegate/launcher.sock";  // asked only for components of kind launcher
    std::string log_level = "info";
    std::string log_format = "auto";
    std::chrono::milliseconds certificate_ttl = std::chrono::hours(24);      // of people who enroll
    std::chrono::milliseconds renew_window = std::chrono::hours(24) * 30;  // after enrolment
    audit_config audit;
    limits bounds;
    std::vector<component_config> components;
    confine_mode confine = confine_mode::automatic;
};

// Where enrolment listens.
std::vector<host_port> enroll_addresses(const config& configuration);

// Where what is to outlive the gateway is kept of its sessions.
std::string sessions_of(const config& configuration);

// A node's, root's, 0755: below them gateway, launcher and `serve --exec` have directories of their own (packaging/tmpfiles.d).
inline constexpr std::string_view node_state_directory = "/var/lib/delvegate";
inline constexpr std::string_view node_runtime_directory = "/run/delvegate";
// Root's are the node's; an ordinary user's follow the XDG variables
// (~/.local/state/delvegate; $XDG_RUNTIME_DIR/delvegate, else a directory of the state directory).
std::string default_state_directory();
std::string default_runtime_directory();
// Of `serve --exec`, which must not be in the way of a node's service: root's are `exec` below those.
std::string exec_state_directory();
std::string exec_runtime_directory();
// /etc/delvegate/gateway.yaml for root, else below $XDG_CONFIG_HOME or ~/.config.
std::string default_config_file();

// Errors: "gateway.yaml:7:3: unknown key `certifcate`; did you mean `certificate`?"
launcher::outcome<config> read_config(const std::string& file);
// The same for text; `file` is for the messages. Relative paths are taken from `directory`.
launcher::outcome<config> parse_config(std::string_view text, const std::string& file,
                                       const std::string& directory);

// Every key with its default, unit and sentence, as YAML that parse_config() accepts.
std::string default_config_text();

// Pieces of the syntax: "10s", "500ms", "15m", "12h"; "4MiB", "64KiB", "1GiB", "4096";
// "0.0.0.0:7443", "[::1]:7443", "host:7443".
launcher::outcome<std::chrono::milliseconds> parse_duration(std::string_view text);
launcher::outcome<std::uint64_t> parse_size(std::string_view text);
launcher::outcome<host_port> parse_host_port(std::string_view text);
std::string format_duration(std::chrono::milliseconds time);
std::string format_size(std::uint64_t bytes);
// A loopback address, as a number.
bool is_loopback(std::string_view host);
// A DNS label: lower-case letters, digits and inner hyphens, at most 63.
bool is_dns_label(std::string_view name);

}  // namespace gateway
