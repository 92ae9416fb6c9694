// Whether a component's health endpoint answers, asked as the kubelet asks it.
#pragma once

#include <chrono>
#include <string>

#include "launcher/outcome.h"
#include "launcher/plan.h"

namespace launcher {

struct health_answer {
    bool healthy = false;  // 200 to 399, as the kubelet counts it
    bool refused = false;  // nobody listens there
    std::string said;      // one line: "HTTP 500", "connection refused"
};

// One GET, without redirects, a proxy or a look at the certificate (it is loopback or the node's own address, and the
// kubelet does not look either). At most 64 KiB of the answer are read, and none of it is kept.
health_answer probe(const health_check& where, std::chrono::milliseconds patience);

// "https://127.0.0.1:10259/healthz" and back. The error says what is wrong with it.
std::string to_string(const health_check& where);
outcome<health_check> parse_health(const std::string& url);

}  // namespace launcher
