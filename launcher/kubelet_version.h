// The Kubernetes version of this node's kubelet: what is put back after an upgrade would be an old component's.
#pragma once

#include <string>

#include "launcher/outcome.h"

namespace launcher {

// "1.34" of the kubelet that runs, else of the one that is installed where packages put it; empty: neither tells. From what
// is stamped into the program, and where it is stripped of that (as releases are) from its answer to --version. A program
// that somebody else than root could have written is not asked. Each file is asked once.
std::string kubelet_minor();

// The same of one program.
std::string kubelet_minor_of(const std::string& program);

// "1.34" of "Kubernetes v1.34.1\n". Empty: it says nothing of the kind. Pure.
std::string minor_in(std::string_view text);

}  // namespace launcher
