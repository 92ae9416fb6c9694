// Units that systemd stops together with another one (RequiredBy=, BoundBy=, ConsistsOf=), and does not start again with it.
#pragma once

#include <string>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/systemd_manager.h"

namespace launcher {

// Those that run now, and theirs, sorted. Nothing of ours, and no target: what a target needs is started by those who want it.
outcome<std::vector<std::string>> running_dependents(systemd_manager& systemd, const std::string& unit);

// Starts those of them that do not run; what does not start is told, one line each.
std::vector<std::string> start_dependents(systemd_manager& systemd, const std::vector<std::string>& units);

// As a row of the journal has them: JSON. Pure.
std::string dependents_text(const std::vector<std::string>& units);
std::vector<std::string> dependents_in(const std::string& text);

}  // namespace launcher
