// Where the commands of a node's administrator (`ca`, `token`, `audit`) find the gateway's state when nothing on their line says so.
#pragma once

#include <string>

#include "gateway/config.h"

namespace gateway {

struct usual_state {
    usual_state() = default;    // no aggregate: an error's text must not look like one
    std::string directory;
    std::string configuration;  // the gateway.yaml that says so; empty: none does
    std::string client_ca;      // whose certificates its gateway takes, if not those of a CA of its own
    audit_config audit;
};

// By the usual gateway.yaml, where there is one: its stateDirectory, or `gateway` below it where only that has a CA or an audit, as a
// unit has it that gives --state-directory. For an ordinary user who has none of their own that is root's, if what it names belongs to them: the user
// that the service runs as. Without any: that of `serve --exec`.
// Refused: a configuration that cannot be read, since it may mean another place; and two places that may be meant.
launcher::outcome<usual_state> find_usual_state();

}  // namespace gateway
