// That a unit was stopped so that something else runs in its place: written before it is stopped, and there until it has been
// put back. A unit that only stands still says nothing by itself of who has stopped it, and a journal may be lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "launcher/moment.h"
#include "launcher/outcome.h"

namespace launcher {

struct stopped_unit {
    std::string unit;  // canonical name
    std::string component, session, by;
    moment since;
    std::int64_t init_started = 0;  // of process 1 then: in a container a boot's id says nothing of its own boots
    bool was_active = true;
    std::string dependents{};          // as dependents_text() has them
    std::vector<std::string> undo{};  // shell commands that undo it by hand
};

// STATE_DIRECTORY/stopped/UNIT. `unit` is a unit's name.
std::string stopped_file_of(const std::string& state_directory, const std::string& unit);

// On the disk when this returns, with the boot of now. The file is root's, 0600.
outcome<void> keep_stopped(const std::string& state_directory, const stopped_unit& record);
// None: there is no record. One that is not to be read is taken for a unit that ran: it says at least that.
std::optional<stopped_unit> find_stopped(const std::string& state_directory, const std::string& unit);
// Whether it was written in this boot of this system. One that could not be read is taken to be.
bool of_this_boot(const stopped_unit& record);
// Every unit of which there is a record.
std::vector<std::string> stopped_units(const std::string& state_directory);
outcome<void> forget_stopped(const std::string& state_directory, const std::string& unit);

}  // namespace launcher
