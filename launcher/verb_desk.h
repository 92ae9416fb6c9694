// One request of one peer, from right to result: judged, counted, logged, serialised, done. No sockets.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "launcher/armory.h"
#include "launcher/component_manager.h"
#include "launcher/component_turns.h"
#include "launcher/fd.h"
#include "launcher/launcher_config.h"
#include "launcher/launcher_log.h"
#include "launcher/launcher_wire.h"
#include "launcher/rate_limit.h"
#include "launcher/verb_rights.h"

namespace launcher {

struct verb_peer {
    uid_t uid = static_cast<uid_t>(-1);
    pid_t pid = 0;
    peer_kind who = peer_kind::stranger;
    std::string login;  // name of the user whose login the peer descends from; empty: unknown, or root's own
};

struct verb_answer {
    bool ok = false;
    protocol::json result;
    unique_fd descriptor;  // of dial
    launcher_fault fault = launcher_fault::failed;
    std::string text;

    static verb_answer of(protocol::json result) { return {true, std::move(result), {}, {}, {}}; }
    static verb_answer no(launcher_fault fault, std::string text) { return {false, {}, {}, fault, std::move(text)}; }
};

class verb_desk {
public:
    verb_desk(const launcher_config& configuration, component_manager& manager, armory& arms, verb_log log, boot_clock clock);

    peer_kind kind_of(uid_t uid) const;

    // From any thread; blocks as long as the verb takes. `progress` gets what a progress packet holds; `gone` says whether
    // the peer has left, which ends a wait for somebody else's verb and never a verb.
    verb_answer answer(const verb_peer& peer, const launcher_request& request,
                       const std::function<void(protocol::json)>& progress, const std::function<bool()>& gone);

    // What earlier processes left. Nobody else's verb begins before the turn is given back.
    std::optional<component_turns::turn> everything();
    void recover(const std::function<void(const std::string&)>& say);

    void close() { turns_.close(); }  // what waits for its turn is answered `busy`

private:
    verb_question question_of(const verb_peer& peer, const launcher_request& request) const;
    // The answer of who is not even heard, if so: not allowed, unknown, or too often.
    std::optional<std::pair<launcher_fault, std::string>> turned_away(const verb_peer& peer, const launcher_request& request);
    verb_answer in_turn(const verb_peer& peer, const launcher_request& request,
                        const std::function<void(protocol::json)>& progress, const std::function<bool()>& gone);
    verb_answer done(const verb_peer& peer, const launcher_request& request,
                     const std::function<void(protocol::json)>& progress);
    verb_answer armed(const verb_peer& peer, const launcher_request& request);
    protocol::json status();
    outcome<void> logged(const asked_verb& what);

    const launcher_config& configuration_;
    component_manager& manager_;
    armory& arms_;
    verb_log log_;
    std::mutex log_lock_;
    std::atomic<std::uint64_t> number_{0};
    std::vector<uid_t> gateways_;
    rate_limit starts_;
    rate_limit verbs_;  // of the gateway, whatever they are: the log is not its to fill
    component_turns turns_;
};

}  // namespace launcher
