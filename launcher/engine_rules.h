// What must not be out at the same time: one needs the other to go, or to come back.
#pragma once

#include <string>

#include "launcher/journal.h"
#include "launcher/plan.h"

namespace launcher {

// By what they are called, and by `program`, the base name of what runs in them, where that is known. What dlv is attached to
// stands still, and then does its work as little as if it were out.
struct named_component {
    const component_definition& definition;
    std::string program;
};
bool not_together(const named_component& one, const named_component& other);

// In the row of what is attached to: which program that is.
std::string row_program_text(const std::string& program);
std::string program_of_row(const detachment& row);  // empty: it does not say

}  // namespace launcher
