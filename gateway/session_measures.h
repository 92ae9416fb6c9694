// What is counted of one component's session for Prometheus: plain integers, incremented where the thing happens and read when
// somebody scrapes (metrics.h). docs/metrics.md says exactly what each means.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "protocol/operations.h"

namespace gateway {

// A histogram with fixed bounds.
class time_histogram {
public:
    using clock = std::chrono::steady_clock;
    // Upper bounds in seconds; what is longer counts in the last of counts().
    static constexpr std::array<double, 14> bounds{0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                                   0.01,    0.025,  0.05,    0.1,    0.25,  1,      5};

    void add(clock::duration time) {
        const double seconds = std::chrono::duration<double>(time).count();
        std::size_t at = 0;
        while (at < bounds.size() && seconds > bounds[at]) ++at;
        ++counts_[at];
        sum_ += time;
    }
    const std::array<std::uint64_t, bounds.size() + 1>& counts() const { return counts_; }  // each on its own
    double sum() const { return std::chrono::duration<double>(sum_).count(); }

private:
    std::array<std::uint64_t, bounds.size() + 1> counts_{};
    clock::duration sum_{};
};

// Requests by the gravest class they need.
class class_counts {
public:
    static constexpr std::size_t classes = 8;  // op_class, in its order
    void add(protocol::class_set needs) { ++counts_[gravest(needs)]; }
    std::uint64_t of(protocol::op_class one) const { return counts_[static_cast<std::size_t>(one)]; }

private:
    // What needs no class needs observe (auth/policy.h).
    static std::size_t gravest(protocol::class_set needs) {
        for (std::size_t at = classes; at-- > 1;)
            if (needs.has(static_cast<protocol::op_class>(at))) return at;
        return 0;
    }
    std::array<std::uint64_t, classes> counts_{};
};
static_assert(static_cast<std::size_t>(protocol::op_class::lifecycle) + 1 == class_counts::classes);

struct request_counts {
    class_counts begun;    // let in by the policy, and to be done
    class_counts refused;  // by policy, table or malformed
};

// Of all views with one protocol.
struct protocol_measures : request_counts {
    time_histogram look_to_dlv;  // a look's request whole -> handed to dlv
    time_histogram run_to_dlv;   // a continue's or step's request whole -> handed to dlv
    time_histogram to_viewer;    // the end of a look's reply here -> handed to the viewer's stream
};

struct session_measures {
    protocol_measures rpc, dap;
    request_counts api;                  // of the control API, and of the node's administrator by the status socket
    time_histogram stop_told;            // dlv's answer to a run here -> the stop told
    std::uint64_t stops = 0;             // told to people
    std::uint64_t baton_refusals = 0;    // what was refused for somebody else's baton
    std::uint64_t attached = 0;          // connections made to a dlv, the first one included
    std::uint64_t dlv_failures = 0;      // a dlv that ended, was lost or did not come up
    std::uint64_t new_programs = 0;      // restarts of the program under the same dlv
    std::uint64_t cut_off = 0;           // views whose IDE did not read
};

}  // namespace gateway
