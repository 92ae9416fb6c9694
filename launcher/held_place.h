// A manifest's two possible places of being held, open: beside the manifest directory, or under a dot-name in it.
#pragma once

#include <string>

#include "launcher/held_files.h"
#include "launcher/held_manifest.h"
#include "storage/fd.h"

namespace launcher {

struct held_slot {
    int dir = -1;           // of `held_place`; -1: not there
    std::string directory;  // its path
    std::string file;       // what is held
    std::string record;     // its record
    std::string path() const { return directory + "/" + file; }
    std::string record_path() const { return directory + "/" + record; }
    // The names of a dated one: "NAME.superseded-20261126T031000Z", and its record's. The first has a dot where `file` has.
    std::string dated(std::int64_t wall, int n) const;
    std::string dated_record(std::int64_t wall, int n) const;
};

struct held_place {
    std::string name;
    std::string directory;       // the kubelet's
    std::string held_directory;  // beside it
    storage::unique_fd manifests;
    storage::unique_fd held;  // 0700, ours; none when it is not there and was not to be made
    storage::unique_fd lock;  // while it is open, no other process changes anything here
    std::string target() const { return directory + "/" + name; }
    held_slot beside() const;
    held_slot within() const;
};

// Everything but `name` of where a manifest of `directory` would be.
std::string held_directory_of(const std::string& directory, const std::string& held_directory);

struct place_options {
    bool make = false;  // the held directory, if it is not there
    bool lock = false;  // waited for up to ten seconds
};
outcome<held_place> open_place(const manifest_place& place, const place_options& options);

// What is in a slot.
struct slot_state {
    held_slot slot;
    held_state::record_state record = held_state::record_state::none;
    std::optional<held_record> found;
    std::string trouble;  // of a malformed record
    seen_file held;
    bool empty() const { return record == held_state::record_state::none && held.state == seen_file::what::none; }
};
slot_state look_at(const held_slot& slot);
// The one of the two that has something; the first when none has.
outcome<slot_state> look_at(const held_place& place);

}  // namespace launcher
