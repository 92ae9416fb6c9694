// Which launcher the command line means, and how a verb of it is followed.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "launcher/launcher_client.h"
#include "launcher/launcher_config.h"

namespace gateway {

// The option --config of root's launcher.yaml.
struct launcher_place {
    std::string config_file{launcher::default_launcher_config};

    void add_options(CLI::App& command);
    // The configuration; where there is no file, or this user may not read it, the defaults.
    launcher::outcome<launcher::launcher_config> configuration() const;
};

using launcher_result = boost::system::result<launcher::launcher_answer, launcher::launcher_failure>;

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
