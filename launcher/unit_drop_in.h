// The runtime drop-in by which a service's own unit runs its program under dlv: /run/systemd/system/UNIT.d/
// 90-delvegate.conf, which a reboot forgets. It has no hooks (ExecStopPost and the like): one would fire when the
// original is stopped to make room, and undo the detach at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/unit_plan.h"

namespace launcher {

inline constexpr const char* drop_in_name = "90-delvegate.conf";

// How dlv is to be run in the unit's place.
struct drop_in_request {
    std::string session;  // 32 hex digits
    std::string dlv;      // absolute path
    std::string binary;   // the debug binary, absolute
    std::string listen;   // "unix:/run/…/dlv.sock" or "127.0.0.1:PORT", as dlv takes it
    std::vector<std::string> extra_arguments;  // after the original ones; nothing in them is expanded
    bool continue_at_once = true;  // else it stands at its entry
    std::uint64_t memory_limit = 0;   // of the component, bytes; 0: none
    std::uint64_t memory_needed = 0;  // by dlv, as far as it is known
    std::vector<std::string> undo{};  // shell commands that undo it by hand, for whoever finds the file
};

struct drop_in {
    std::string unit;
    std::string path;
    std::string text;  // what is, or is to be, in the file
    std::string hash;  // sha256 hex of text
    std::string session;
    std::vector<std::string> command;  // the argv that systemd must report after the reload
};

// What the file is to be. Pure but for the path of the manager's runtime directory. The error is a plan whose way is
// not drop_in, or a word that no unit file can carry.
outcome<drop_in> make_drop_in(const unit_plan& plan, const drop_in_request& request, const std::string& unit_directory);

// 0644, root's, atomically: a reader sees all of it or nothing, and it is on the disk when this returns. Refuses to
// replace a file that is there.
outcome<void> write_drop_in(const drop_in& made);

// After the daemon-reload: systemd has read it, nothing after it overrides it, and the command is ours. The error
// names the drop-in that wins.
outcome<void> check_effective(systemd_manager& systemd, const drop_in& made);

enum class drop_in_found { none, ours, changed };  // changed: not what its own header says, or not readable
struct drop_in_on_disk {
    drop_in_found state = drop_in_found::none;
    std::string path;
    std::string session;  // as its header says
    std::string hash;     // of the whole file as it is
};
// The file says by itself whose it is and whether it was edited, so this needs no journal.
drop_in_on_disk find_drop_in(const std::string& unit, const std::string& unit_directory);

enum class drop_in_removal { removed, was_gone };
// Exactly our file: of this session, with this hash where one is given. Any other is left, and the error says what to
// look at. The directory goes too when it is empty.
outcome<drop_in_removal> remove_drop_in(const std::string& unit, const std::string& unit_directory,
                                        const std::string& session, const std::string& hash = {});

// A drop-in that somebody has changed, kept beside under a name that systemd does not read. Its new path.
outcome<std::string> set_drop_in_aside(const std::string& unit, const std::string& unit_directory);

}  // namespace launcher
