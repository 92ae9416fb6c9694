// Recognises where dlv says it listens. Pure, and allocates nothing: it runs in the forked
// supervisor.
#pragma once

#include <string_view>

namespace launcher {

struct announcement {
    enum class answer {
        none_yet,   // no complete announcement so far
        accepted,   // the address is the one we asked for
        elsewhere,  // it listens where it should not, or warns that it does
    } verdict = answer::none_yet;
    std::string_view address;  // within the output, for accepted and elsewhere
};

// `output` is what dlv wrote since its start. Only the first line that begins with dlv's
// announcement counts: dlv prints it before it launches the program, so the program cannot have
// written it. `socket` is the path we told dlv to listen on; empty means 127.0.0.1 or [::1]
// and any port.
announcement find_announcement(std::string_view output, std::string_view socket);

}  // namespace launcher
