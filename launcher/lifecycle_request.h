// Who asks for a component's start, stop or restore, and how.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace launcher {

// A danger that root, and nobody else, may take by its name.
enum class force : std::uint8_t {
    other_minor,   // a debug binary of another Kubernetes minor version
    two_leaders,   // --leader-elect=false although another instance may be there
    not_together,  // beside something that should not be out at the same time (facts §9)
};
const std::vector<force>& all_forces();
std::string_view to_string(force one);    // "other-minor": --force-other-minor on the command line
std::string_view explanation(force one);  // one line for --help
std::optional<force> force_named(std::string_view text);

// Which of two versions of a file stays, when somebody changed it while it was out. Root's alone to say.
enum class decision : std::uint8_t {
    none,
    keep_theirs,  // what lies there now; ours is kept beside, under another name
    put_back_ours,
};

struct lifecycle_request {
    std::string by;           // for people: "root", or the user whom the gateway names
    uid_t uid = 0;            // the peer's, from the kernel
    bool remote = false;      // through the gateway
    std::string plan_hash;    // 64 hex digits: only if the plan of now is this one; empty: whatever it is
    std::string session;      // 32 hex digits; empty: make one
    bool stop_on_entry = false;
    std::vector<force> forces;          // empty unless uid is 0 and not remote
    decision decide = decision::none;   // none unless uid is 0 and not remote

    bool forced(force one) const {
        for (const force each : forces)
            if (each == one) return true;
        return false;
    }
};

}  // namespace launcher
