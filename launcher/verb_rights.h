// Who may ask the launcher for what. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "launcher/armory.h"
#include "launcher/launcher_wire.h"
#include "launcher/plan.h"

namespace launcher {

enum class peer_kind {
    root,      // uid 0, on the node
    gateway,   // the gateway's user: acts for somebody elsewhere
    stranger,  // everybody else
};

struct verb_question {
    peer_kind who = peer_kind::stranger;
    launcher_verb verb = launcher_verb::status;
    bool forced = false;   // carries a force flag
    bool decides = false;  // carries a decision between two versions
    bool acts_for = false;  // says whom it acts for
    remote_start remote = remote_start::armed;
    bool armed = false;
};

// The refusal in one line, with who may and how; nothing: allowed. What gives a component back (stop, restore) is never
// refused to the gateway for want of arming.
std::optional<std::string> refusal_of(const verb_question& question, const std::string& component);

// Whether the gateway may still do something with what runs, when its session was begun at that boot time: an arming that
// has ended since then closes it, and root's disarming closes it whatever its remoteStart. What root has started itself
// without arming it is open until root disarms it.
bool lets_gateway_in(remote_start remote, const std::optional<arming>& latest, std::chrono::milliseconds begun,
                     std::chrono::milliseconds now);

}  // namespace launcher
