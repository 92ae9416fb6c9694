// What a running dlv was told, read from its command line as dlv's own flag reader (pflag) does.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "launcher/outcome.h"

namespace launcher {

struct dlv_invocation {
    bool headless = false;
    bool accept_multiclient = false;
    bool only_same_user = true;
    std::vector<std::string> positional;  // the subcommand first
    std::string unknown_flag;  // one this reader does not know and that may have swallowed the word
                               // after it
};

// By its name: dlv, or dlv-1.27 and the like.
bool is_dlv(const std::vector<std::string>& argv);

// What cannot be told for sure (an unknown flag may take the next word as its value) is read as not
// given.
dlv_invocation parse_invocation(const std::vector<std::string>& argv);

// Fine, or why a dlv that was started so must not be connected to.
outcome<void> judge_invocation(const dlv_invocation& invocation);

}  // namespace launcher
