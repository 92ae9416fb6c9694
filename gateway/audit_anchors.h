// Where the audit's anchors are kept: the system's journal, or a file elsewhere.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "auth/audit_anchor.h"

namespace gateway {

using anchor_sink = std::function<auth::outcome<void>(const auth::audit_anchor&)>;

// `where` is the configuration's: "journal", "off" (an empty function), or the path of a file, which is
// appended to and synced, made with mode 0600, and refused in the directory of the audit itself: who can
// write there could cut both. `audit_file` names the audit in the journal. Without a journal the sink
// fails when it is called, and says what to do.
auth::outcome<anchor_sink> make_anchor_sink(const std::string& where, const std::string& audit_file);

// Those that the journal has for this audit, oldest first. Only entries of the user `uid` count: the
// journal takes that from the kernel, and others could otherwise make a sound audit look cut.
auth::outcome<std::vector<auth::audit_anchor>> read_journal_anchors(const std::string& audit_file, unsigned uid);

}  // namespace gateway
