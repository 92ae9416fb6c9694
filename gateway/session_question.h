// What the commands for people in one session (baton, park, unpark) have in common: which gateway is asked, and how its
// answer is shown.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "gateway/ask_gateway.h"
#include "gateway/call_gateway.h"
#include "protocol/json.h"

namespace gateway {

struct session_question {
    gateway_place here;
    laptop_place remote;
    std::string component;
    std::string output = "text";

    void add_options(CLI::App& command);
    void add_output(CLI::App& command);  // of these, --output alone

    // Which gateway is meant: of this host, the one with this runtime directory; nothing: one elsewhere, as `remote` finds it.
    // An error is the command line's or the configuration's.
    launcher::outcome<std::optional<std::string>> place() const;

    // GET of /v1/components/COMPONENT/WHAT, or POST where there is a body: of a gateway that was named, or this host's own,
    // or the one this laptop is enrolled with, as start, stop and restore decide it. Prints the answer; the exit code. Blocks.
    int ask(std::string_view what, const std::optional<protocol::json>& body) const;
};

}  // namespace gateway
