// Why the node is as it is: what was taken out, by whom, how far it got. The disk is the truth, this is the reason.
//
// SQLite in one file, every change on the disk before a call returns. A failed write is an error: who gets it must not
// begin or continue a detach, but goes on with a stop or a restore.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "launcher/moment.h"
#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "launcher/process_mark.h"
#include "storage/sqlite.h"

namespace launcher {

// In the order of a component's life. `failed`: something could not be put back and a person must decide; such a row
// is as active as any other. Only `closed` ends one: everything is as it was before.
enum class journal_step {
    planned, launched, guarded, detaching, detached, running, returning, returned, failed, closed
};
const char* name_of(journal_step step);
std::optional<journal_step> step_named(std::string_view name);

struct detachment {
    std::string id;  // session id: 128 random bits, 32 hex digits
    std::string component;
    component_kind kind = component_kind::static_pod;
    std::string started_by;  // a person, as shown
    moment since;
    journal_step step = journal_step::planned;
    std::string plan_hash;

    // Of a DaemonSet: "daemonset/NAMESPACE/NAME", its pod's controller-revision-hash as target_hash, and {"nodeName"} as node.
    std::string target_file;  // the manifest's place
    std::string held_file;    // where it is held; may be empty until `detached`
    std::string target_hash;  // sha256 hex of the manifest
    std::string node;         // node_identity as JSON text; of a unit {"dependents"}, stopped with it
    std::string unit;         // the transient unit that dlv and the debuggee are
    process_mark dlv, debuggee, guard;
    std::string socket;  // dlv's
    std::string drop_in;  // systemd: its path
    std::string drop_in_hash;
    std::optional<moment> deadline;  // restored when it has passed
    moment heartbeat;                // of the gateway, the last
    std::string note;                // one line for a person
};

// What a step changes; the rest stays.
struct detachment_changes {
    std::optional<std::string> target_file, held_file, target_hash, node, unit, socket, drop_in, drop_in_hash, note;
    std::optional<process_mark> dlv, debuggee, guard;
    std::optional<moment> deadline;
};

struct detachment_start {
    std::string component;
    component_kind kind = component_kind::static_pod;
    std::string started_by;
    std::string plan_hash;
    detachment_changes known;
};

// One verb that somebody asked for, allowed or not.
struct verb_record {
    std::string who;
    std::optional<std::int64_t> uid;
    std::string verb;
    std::string component;
    std::string result;  // "ok" or the refusal
};

class journal {
public:
    // `directory` is made (0700) when it is not there; its parent must be. Not for two threads.
    static outcome<journal> open(const std::string& directory = "/var/lib/delvegate/launcher",
                                 std::chrono::milliseconds patience = std::chrono::seconds(5));

    // Refused, naming the session, while the component has an active row: one session a component.
    outcome<detachment> begin(const detachment_start& start);
    // Refused for a row that is closed or not there.
    outcome<void> advance(const std::string& id, journal_step step, const detachment_changes& changes = {});
    // The gateway lives, and with people in a session the deadline is another one. Nothing for a session that does not run.
    outcome<void> beat(const std::string& id, const std::optional<moment>& deadline = {});

    outcome<std::vector<detachment>> active();  // oldest first
    outcome<std::optional<detachment>> find(const std::string& component);  // its active row

    struct logged_step {
        moment at;
        journal_step step;
        std::string note;
    };
    outcome<std::vector<logged_step>> steps(const std::string& id);

    // How often it has come back, after it had gone, within that time until now, and when last (wall clock).
    struct returns_seen {
        std::int64_t times = 0, last = 0;
    };
    outcome<returns_seen> returns(const std::string& component, std::chrono::seconds within);

    outcome<void> log_verb(const verb_record& verb);
    struct logged_verb {
        moment at;
        verb_record verb;
    };
    outcome<std::vector<logged_verb>> verbs(std::size_t at_most);  // newest first

    // Forgets closed rows and verbs older than `age`; what is active is kept whatever its age.
    outcome<void> prune(std::chrono::seconds age);

private:
    explicit journal(storage::database db) : db_(std::move(db)) {}
    outcome<std::vector<detachment>> read(const std::string& component);

    storage::database db_;
};

}  // namespace launcher
