// A process that a dlv has left without letting go of it: breakpoints may still be in it, and nothing can take them out. It is
// remembered for as long as it lives, whatever becomes of the session.
#pragma once

#include <optional>
#include <string>

#include "launcher/outcome.h"
#include "launcher/process_mark.h"

namespace launcher {

// `component` is a component's name, `state_directory` the launcher's.
outcome<void> keep_left_behind(const std::string& state_directory, const std::string& component, const process_mark& process);

// That process while it lives; one that has ended, or was of another boot, is forgotten.
std::optional<process_mark> left_behind(const std::string& state_directory, const std::string& component);

// For people.
std::string left_behind_text(const process_mark& process);

}  // namespace launcher
