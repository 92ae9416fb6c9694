// A static pod's manifest taken out of the kubelet's directory and put back byte for byte: content, owner, mode, extended
// attributes, modification time in nanoseconds, and the same inode where it stays on one filesystem.
//
// The file is moved by rename(2) into a 0700 directory beside the manifest directory; where that is another filesystem,
// to a dot-name in the directory itself, which the kubelet ignores. A record (JSON) is on the disk beside it before it is
// moved, so that restore needs nothing else. Nothing is ever overwritten, by any of this, whoever else writes there.
//
// kill -9, a power cut or a full disk at any point leaves what put_back() brings to an end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "launcher/moment.h"
#include "launcher/node_identity.h"
#include "launcher/outcome.h"
#include "launcher/process_mark.h"

namespace launcher {

// What a file is, beyond its name.
struct file_stamp {
    std::string hash;  // sha256 hex of the content; of what a symbolic link leads to, when it is one
    std::string link;  // not empty: a symbolic link, to this
    std::uint32_t mode = 0;  // permission bits
    std::uint32_t uid = 0, gid = 0;
    std::int64_t mtime_s = 0, mtime_ns = 0;
    std::uint64_t device = 0, inode = 0;
    std::vector<std::pair<std::string, std::string>> xattrs;  // sorted by name
    bool operator==(const file_stamp&) const = default;
};

// Where a manifest is, and where it is held.
struct manifest_place {
    std::string directory;  // the kubelet's, absolute
    std::string name;       // within it: no '/', no dot at its beginning
    std::string held_directory;  // empty: DIRECTORY/../delvegate-held
};

// The record beside what is held.
struct held_record {
    std::string session;
    std::string component;
    std::string target;  // absolute path it came from
    std::string held;    // absolute path it is at
    bool taking = false;  // written before the move and not yet confirmed after it
    file_stamp stamp;
    moment since;
    std::string by;    // a person, as shown
    std::string unit;  // the transient unit in its place
    process_mark dlv;
    std::vector<std::string> undo;  // shell commands that put it back by hand
    node_identity node;
};

struct hold_request {
    std::string session;
    std::string component;
    std::string expected_hash;  // of the plan; another content is refused
    std::string by;
    std::string unit;
    process_mark dlv;
    std::vector<std::string> undo_first;  // commands that come before ours in what undoes it by hand
    node_identity node;
};

// Takes the manifest out. When it fails the manifest is where it was, or the error says where it is. Refused: a manifest
// that is held already, is not a regular file (or a link to one), is above 10 MiB, or is not what was planned.
outcome<held_record> hold_manifest(const manifest_place& place, const hold_request& request);

// Where hold_manifest() would hold it now, and the commands that would put it back from there by hand. Nothing is made.
struct foreseen_hold {
    std::string held;  // absolute
    std::vector<std::string> undo;
};
outcome<foreseen_hold> foresee_hold(const manifest_place& place, const std::vector<std::string>& undo_first);

enum class put_back_result {
    put_back,            // it is back as it was
    already_there_same,  // somebody has put the same content there: ours is dropped
    superseded,          // another file is there: it is kept, ours is stored under the name in `stored`
    nothing_held,        // neither record nor file: nothing to do
};

struct put_back_report {
    put_back_result result = put_back_result::nothing_held;
    std::string stored;                // of superseded: the path
    std::vector<std::string> remarks;  // what a person should know, one line each
};

struct put_back_options {
    bool whatever_it_is = false;  // root has decided: also when what is held is not what was recorded
    bool over_theirs = false;     // root has decided: another file in its place is stored under a dated name, and ours put back
    std::string hash;             // what the journal says it is: serves where the record is gone or malformed
};

// Brings a hold to its end, from any point at which it was interrupted; does nothing when nothing is held. Not done, with
// an error that says how to decide: nothing is in its place, and what is held has another content than recorded or no
// record that can be read.
outcome<put_back_report> put_back_manifest(const manifest_place& place, const put_back_options& options = {});

// Root has decided that it is not to come back: stored under a dated name, like `superseded`. Returns the path.
outcome<std::string> set_aside_manifest(const manifest_place& place);

// What the disk says, nothing changed.
struct held_state {
    enum class record_state { none, good, malformed } record = record_state::none;
    enum class file_state { none, as_recorded, other } held = file_state::none;  // without a record: other
    enum class target_state { none, same, other } target = target_state::none;   // without a record: other
    std::optional<held_record> found;
    std::string held_path;  // where it is or would be
    std::string trouble;    // why a record is malformed
};
// `hash` is what the journal says the manifest's is: used where the record cannot be read.
outcome<held_state> look_at_manifest(const manifest_place& place, const std::string& hash = {});

// Every manifest of which something is held (file or record), for when there is no journal. Dated ones are not.
outcome<std::vector<manifest_place>> find_held(const std::string& directory, const std::string& held_directory = {});

}  // namespace launcher
