// Names for completion: of components, people, sessions, contexts and operations, as this host and its gateway know them.
#pragma once

#include <string>
#include <vector>

#include "gateway/completion.h"

namespace gateway {

// Of the kind that the line asks for, and of the gateway that the line means; sorted, each once, none with controls. What cannot
// be known is left out, without a word. Blocks, for as long as a gateway takes: the caller sets a limit.
std::vector<std::string> names_for(const completion& line);

}  // namespace gateway
