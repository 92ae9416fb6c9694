// The launcher's own key, with which a plan's hash is sealed before anybody sees it.
//
// A plan has secrets in it, and who may not see them may see its hash: without the key a secret that can be guessed could be
// tried against it.
#pragma once

#include <string>

#include "launcher/outcome.h"

namespace launcher {

class plan_key {
public:
    // `directory`/plan.key (0600, root's), made where it is not there or not believed. Where it cannot be kept, a key for
    // this process alone: a hash from before is then another plan's.
    static plan_key open(const std::string& directory);
    // 64 hex digits of those; an error only where there is no memory.
    outcome<std::string> seal(const std::string& hash) const;

private:
    std::string bytes_;
};

}  // namespace launcher
