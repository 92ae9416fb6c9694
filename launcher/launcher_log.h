// The launcher's own log: what it was asked, by whom, and what came of it, one JSON object a line.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "launcher/launcher_wire.h"
#include "launcher/outcome.h"

namespace launcher {

// One line, before the verb is done and again when it is over.
struct asked_verb {
    enum class phase { asked, done } when = phase::asked;
    std::uint64_t number = 0;  // the same for both
    uid_t uid = 0;
    pid_t pid = 0;
    std::string login;  // whose login the peer descends from, where the kernel knows
    launcher_request request;
    std::string outcome;  // of done: "ok", or the error's code and line; of asked: empty
    // The gateway's, and it changes nothing: written beside the rest, so that no number of them pushes the rest out.
    bool aside = false;
};
// An error of `asked` stops a start or an arming, and nothing else.
using verb_log = std::function<launcher::outcome<void>(const asked_verb&)>;

std::string log_line(const asked_verb& record, std::int64_t unix_ms);  // with its newline

// Appends to `file` (0600, in a directory of root's), every line on the disk when it returns. Beyond 32 MiB the file becomes
// `file`.1 and a new one is begun. What is `aside` goes to `file`.gateway and is turned over by itself.
outcome<verb_log> open_verb_log(const std::string& file, std::uint64_t most = 32u << 20);

}  // namespace launcher
