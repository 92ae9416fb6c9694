// The environment and the command that systemd would give a unit if it started it now, each value with its source.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "launcher/systemd_manager.h"
#include "launcher/unit_properties.h"

namespace launcher {

struct unit_environment {
    // In the order of precedence's end result; of one name the last source won.
    std::vector<std::pair<std::string, sourced_word>> variables;
    std::vector<std::string> files;     // EnvironmentFiles that were read, globs resolved
    std::vector<finding> findings;      // a file that is missing or cannot be read as systemd would
};

// Reads the EnvironmentFiles now, as systemd does at each start. The account's own (HOME, USER, …) are among them where
// the unit has User=.
outcome<unit_environment> expected_environment(systemd_manager& systemd, const unit_properties& unit);

// ExecStart's words expanded with these, each with the word of the unit that it comes from.
std::vector<sourced_word> expected_command(const exec_line& line,
                                           const std::vector<std::pair<std::string, sourced_word>>& variables);

}  // namespace launcher
