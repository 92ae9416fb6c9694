// What the gateway tells Prometheus, gathered from plain counters when somebody scrapes: nothing is done for it in between.
// docs/metrics.md has the table of all of it, checked against a running gateway by a test.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <string>
#include <vector>

#include "gateway/audit_trail.h"
#include "gateway/authority.h"
#include "gateway/component.h"
#include "gateway/live_files.h"
#include "gateway/permissions.h"
#include "gateway/tls_server.h"

namespace gateway {

class endpoints;

// All of it outlives who collects.
struct metrics_sources {
    const gateway_parts& parts;
    const tls_server& server;
    const endpoints& components;
    const live_files& files;
    const client_authority& identities;
    std::chrono::system_clock::time_point since;  // the gateway's start
};

class gateway_metrics final : public prometheus::Collectable {
public:
    // Of these components; `whole`: and of the gateway itself.
    gateway_metrics(const metrics_sources& from, std::vector<component*> of, bool whole)
        : from_(from), of_(std::move(of)), whole_(whole) {}

    // Names begin with delvegate_; labels are the configuration's names and closed lists of words, never people's.
    std::vector<prometheus::MetricFamily> Collect() const override;

private:
    const metrics_sources& from_;
    std::vector<component*> of_;
    bool whole_;
};

// GET /metrics of the loopback port: everything.
http_answer all_metrics(const metrics_sources& from);
// GET /v1/metrics: of the components that the caller may observe; of the gateway itself for those who may observe all of its
// components; 403 where there is none.
http_answer metrics_for(const auth::identity& who, const metrics_sources& from, const permissions& rights);

}  // namespace gateway
