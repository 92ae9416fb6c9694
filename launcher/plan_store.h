// What of a plan whoever comes after a crash needs to know: whom the guard belongs to, what the program may take to end.
// Neither arguments nor environment are kept.
#pragma once

#include <optional>
#include <string>

#include "launcher/outcome.h"
#include "launcher/plan.h"

namespace launcher {

// With the commands that undo it by hand, which are in a file of their own as well, for whoever has no delvegate.
outcome<void> store_plan(const std::string& state_directory, const std::string& session, const component_plan& plan);
std::string undo_file_of(const std::string& state_directory, const std::string& session);
// The name, the process's identity, ports and grace, the budget and what undoes it by hand; nothing where it cannot be read.
std::optional<component_plan> stored_plan(const std::string& state_directory, const std::string& session);
void forget_plan(const std::string& state_directory, const std::string& session);

}  // namespace launcher
