// The plan a session was started by, for whoever comes after a crash: 0600, root's, since it holds the environment.
#pragma once

#include <optional>
#include <string>

#include "launcher/outcome.h"
#include "launcher/plan.h"

namespace launcher {

outcome<void> store_plan(const std::string& state_directory, const std::string& session, const component_plan& plan);
// Nothing where there is none that can be read.
std::optional<component_plan> stored_plan(const std::string& state_directory, const std::string& session);
void forget_plan(const std::string& state_directory, const std::string& session);

}  // namespace launcher
