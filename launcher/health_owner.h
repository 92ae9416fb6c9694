// Whose health it is: anybody on the node may listen at a port, and say that all is well.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "launcher/plan.h"

namespace launcher {

// Empty: who listens there, in this network namespace, is one of these processes, and nobody else is. Else one line that
// says who it is instead.
std::string stranger_at(const health_check& where, const std::vector<pid_t>& own);

}  // namespace launcher
