// The guard's state file: replaced whole, below a directory that is open since before the sandbox closed.
#pragma once

#include <string>

#include "launcher/fd.h"
#include "launcher/outcome.h"
#include "protocol/json.h"

namespace launcher {

class guard_memory {
public:
    // The directory of `path` must exist.
    static outcome<guard_memory> open(const std::string& path);

    // What an earlier guard has left, or null: nothing, unreadable, or not by us or root.
    protocol::json read() const;
    // Readers see the old or the new text, never a part.
    outcome<void> write(const protocol::json& state) const;

private:
    unique_fd directory_;
    std::string name_;
};

}  // namespace launcher
