// What `delvegate status` shows: made from the gateway's counters, read as a table by people.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "gateway/carrier.h"
#include "gateway/tls_server.h"
#include "protocol/json.h"

namespace gateway {

// {"version","pid","since","draining","listen":[...],"components":[...],"connections":{...},
//  "people":[{"user","address","serial","notBefore","notAfter","warning"}],"totals":{...},"limitsHit":{...}};
// times of certificates in seconds since the epoch, `warning` in the last tenth of one's life. serve adds
// "metrics":{"listen"} where there is a port for them,
// "enrollment":{"liveTokens","listen":[...]} and "confinement":{"systemCalls","files","why"}: what the gateway gave up
// (confinement.h), and why not all.
protocol::json status_report(const gateway_parts& parts, const tls_server& server,
                             std::chrono::system_clock::time_point since, protocol::json components);

// Its "components" alone; also those of the control API's list.
std::string components_text(const protocol::json& report);

// The report for a terminal; several lines.
std::string status_text(const protocol::json& report);

}  // namespace gateway
