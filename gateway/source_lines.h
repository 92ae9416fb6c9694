// The text of the source line where a program stands, out of a checkout on the gateway's host (`sources` of a component).
//
// Which file that is, the debuggee says, so nothing of it is believed: the name is looked up by the rules of docs/paths.md and then
// strictly below the directory, through no symbolic link, regular files only, of bounded size and without waiting for anybody.
// What is not surely the line of this program is no text, and no error.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/local_sources.h"
#include "protocol/path_map.h"

namespace gateway {

class hub;

// Line `number` (from 1) of that file below the directory, for people: without space around it, of at most source_text bytes and then an
// ellipsis; control characters are spaces, and what is not UTF-8 is question marks. nullopt: there is none, it is empty, or the file was
// written after `newest`.
inline constexpr std::size_t source_text = 200;
inline constexpr std::size_t source_file = 4u << 20;  // a larger one is not read
std::optional<std::string> read_source_line(const std::string& directory, const std::string& below, std::int64_t number, std::time_t newest);

// "2026-11-27T05:54:17.123456+01:00" as dlv says LastModified, in seconds since the epoch.
std::optional<std::time_t> read_modified(std::string_view reply);

class source_lines {
public:
    explicit source_lines(std::string directory);

    // Asks dlv where the program was built, as work of the hub, once for each program: when it stands still, and nobody waits.
    // Called as often as somebody looks.
    void keep_up(hub& session);
    // Of where the program stands; empty while that is not known.
    std::string at_stop(const hub& session);

private:
    struct knowledge {
        std::string program;  // which one
        protocol::path_map map;
        std::optional<std::time_t> newest;  // what was written later is another text than the program's; nullopt: there is none of it
    };
    void take(const protocol::program_sources& there, const hub& session);

    const std::string directory_;
    std::shared_ptr<knowledge> known_ = std::make_shared<knowledge>();
    std::shared_ptr<bool> asking_ = std::make_shared<bool>(false);
    std::string place_, text_;  // of the last stop that was asked for
};

// What the program says of where it was built; inside work of the hub.
boost::asio::awaitable<protocol::program_sources> ask_program_sources(hub& session);

}  // namespace gateway
