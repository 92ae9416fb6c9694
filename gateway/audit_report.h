// An audit's records and verdicts as a person reads them. All text is printable: it comes from strangers.
#pragma once

#include <string>

#include "auth/audit_chain.h"
#include "auth/audit_record.h"
#include "protocol/json.h"

namespace gateway {

// One line, without a line feed: time, sequence, kind, who, where, what, result.
std::string audit_text(const auth::audit_entry& entry);

// What `audit verify` prints when there is a fault or none; several lines.
std::string audit_verdict(const std::string& path, const auth::audit_summary& sum);
// The same as one object.
protocol::json audit_verdict_json(const std::string& path, const auth::audit_summary& sum);

}  // namespace gateway
