// launcher.yaml as a value: root's word on what may be taken out on this node, and by whom. Read once, checked whole,
// every error one line with its place.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/plan.h"

namespace launcher {

inline constexpr std::string_view default_launcher_config = "/etc/delvegate/launcher.yaml";

enum class systemd_scope { system, none };  // none: dlv in a cgroup of our own, no unit is ever touched

struct launcher_config {
    std::string socket = "/run/delvegate/launcher.sock";
    std::string state_directory = "/var/lib/delvegate/launcher";
    std::string runtime_directory = "/run/delvegate/launcher";  // dlv's sockets, locks; gone after a reboot
    std::string log_file = "/var/log/delvegate/launcher.jsonl";
    std::string gateway_user = "delvegate";  // who the gateway runs as; it need not exist
    std::vector<uid_t> gateway_uids;         // further ones
    systemd_scope scope = systemd_scope::system;
    std::string kubectl = "kubectl";  // a path, or a name looked up in PATH; for DaemonSets
    std::chrono::seconds arm_time_max = std::chrono::hours(24);
    std::uint32_t remote_starts = 6;  // starts and stops through the gateway, per component ...
    std::chrono::seconds remote_starts_period = std::chrono::minutes(10);  // ... in this time
    std::size_t connections = 16;     // at once
    std::vector<component_definition> components;

    const component_definition* find(std::string_view name) const;
};

// Read safely: a regular file of root's that nobody else can write, as is every directory above it; no links.
// Errors: "launcher.yaml:7:3: unknown key `conatiner`; did you mean `container`?"
outcome<launcher_config> read_launcher_config(const std::string& file);
// The same for text; `file` is for the messages.
outcome<launcher_config> parse_launcher_config(std::string_view text, const std::string& file);

// What of a file with mistakes in it can be used: every key and every component that has none. For a restore, which a
// mistake must not keep from its work; nothing is taken out by it. A file that is not safely root's is not looked at.
launcher_config salvage_launcher_config(const std::string& file);

// Every key with its default, unit and sentence, as YAML that parse_launcher_config() accepts.
std::string default_launcher_config_text();
// The tables of docs/configuration.md.
std::string launcher_config_reference();

// The uids whose connections are a gateway's: that of gateway_user, if there is one, and gateway_uids; never 0.
std::vector<uid_t> gateway_uids_of(const launcher_config& configuration);

std::string_view to_string(component_kind kind);  // "static-pod"
std::optional<component_kind> kind_named(std::string_view text);
std::string_view to_string(remote_start remote);  // "armed"

}  // namespace launcher
