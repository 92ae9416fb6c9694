// Which launcher the command line means, and how a verb of it is followed.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "gateway/laptop_place.h"
#include "launcher/launcher_client.h"
#include "launcher/launcher_config.h"

namespace gateway {

using launcher_result = boost::system::result<launcher::launcher_answer, launcher::launcher_failure>;

// The option --config of root's launcher.yaml; or a gateway, whose control API is asked instead.
struct launcher_place {
    std::string config_file{launcher::default_launcher_config};
    laptop_place gateway;

    void add_options(CLI::App& command);  // of the node
    void add_remote_options(CLI::App& command) { gateway.add_options(command); }

    // Whether a gateway is to be asked: one was named, or this host has no launcher and is enrolled with a gateway.
    bool remote(const std::string& socket) const;
    // One verb, where it is to be asked; steps as ask_launcher shows them.
    launcher_result ask(const std::string& socket, const launcher::launcher_request& request) const;
    // The configuration; where there is no file, or this user may not read it, the defaults.
    launcher::outcome<launcher::launcher_config> configuration() const;
};

// One verb on a connection of its own. Steps go to stderr: on a terminal as one line that changes, else line by line.
launcher_result ask_launcher(const std::string& socket, const launcher::launcher_request& request);

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
