// A run of the target that is under way, or the last one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "gateway/rpc_channel.h"
#include "gateway/target_state.h"
#include "gateway/viewer.h"

namespace gateway {

struct active_run {
    run_kind kind = run_kind::go_on;
    std::string by;
    const viewer* runner = nullptr;
    std::chrono::system_clock::time_point since;
    bool halted_by_person = false;
    bool halted_by_hub = false;
    bool abandoned = false;  // by somebody who was shown out: its next stop is nobody's
    std::string halted_by;
    bool settled = false;
    std::optional<bool> passes;  // what judge_hits() said of this rest
    int halts_open = 0;
    bool through_door = true;
    std::int64_t goroutine = 0;  // whose step it is
    bool outside = false;        // by somebody who speaks with dlv directly
    bool steps = false;          // a step, or what is left of one
    bool patience_runs = false;  // a change waits for the step's end
    bool gives_up = false;       // it has waited long enough
    std::string why;             // delvegate's words for the stop
    std::optional<rpc_outcome> returned;
    std::string window_error;
};

}  // namespace gateway
