// Which launcher the command line means, and how a verb of it is followed.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>

#include "gateway/laptop_place.h"
#include "launcher/launcher_client.h"
#include "launcher/launcher_config.h"

namespace gateway {

struct place_failure : launcher::launcher_failure {
    place_failure() = default;
    place_failure(launcher::launcher_failure from) : launcher_failure(std::move(from)) {}
    bool usage = false;  // the command line, a context or a certificate: nobody was asked
};
using launcher_result = boost::system::result<launcher::launcher_answer, place_failure>;

// The option --config of root's launcher.yaml; or a gateway, whose control API is asked instead.
struct launcher_place {
    std::string config_file{launcher::default_launcher_config};
    laptop_place gateway;

    void add_options(CLI::App& command);  // of the node
    void add_remote_options(CLI::App& command) { gateway.add_options(command); }

    // Whether a gateway is to be asked: one was named, or this host is enrolled with a gateway and is no node (neither a
    // launcher's socket nor its configuration is there). A launcher that is down, or that this user may not ask, is never
    // exchanged for another node's.
    bool remote(const std::string& socket) const;
    // One verb, where it is to be asked; steps as ask_launcher shows them. Which gateway is asked is said first.
    launcher_result ask(const std::string& socket, const launcher::launcher_request& request) const;
    // The configuration; where there is no file, or this user may not read it, the defaults.
    launcher::outcome<launcher::launcher_config> configuration() const;
};

// One verb on a connection of its own. Steps go to stderr: on a terminal as one line that changes, else line by line.
launcher_result ask_launcher(const std::string& socket, const launcher::launcher_request& request);

// To stderr, once: which gateway is asked.
void name_gateway(const laptop_place& asked);

// Steps, as ask_launcher shows them.
class progress_lines {
public:
    progress_lines();
    ~progress_lines();
    progress_lines(const progress_lines&) = delete;
    progress_lines& operator=(const progress_lines&) = delete;
    void show(const std::string& component, const std::string& text);

private:
    bool terminal_;
    bool open_ = false;  // a line without its end
};

}  // namespace gateway
