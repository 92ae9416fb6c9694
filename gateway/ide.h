// What `delvegate ide` writes for an IDE: one kind of IDE each. Text only; project_files has the disk.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/project_files.h"
#include "protocol/path_map.h"

namespace gateway {

// A component as an IDE is to debug it.
struct ide_session {
    std::string component;                  // a DNS label
    std::uint16_t port = 0;                 // on 127.0.0.1
    std::string program;                    // delvegate, as it is started
    std::vector<std::string> connect;       // of `delvegate connect COMPONENT`: the rest, without --listen, --source and --map
    std::string source;                     // the checkout; empty: none
    std::vector<protocol::path_rule> rules;
};

// Ports that configurations of a project name.
struct ide_ports {
    std::map<std::string, std::uint16_t, std::less<>> ours;  // by component
    std::set<std::uint16_t> others;
};

class ide {
public:
    using changes = std::vector<std::pair<std::string, file_change>>;  // a file below the folder, and what was done

    virtual ~ide() = default;
    // Refuses, with nothing written, when a file is not understood or has something of that name that is not ours.
    virtual or_reason<changes> write(const project_files& files, const ide_session& what) const = 0;
    virtual or_reason<changes> remove(const project_files& files, const std::string& component) const = 0;
    // The components that remove() would find something of.
    virtual or_reason<std::vector<std::string>> written(const project_files& files) const = 0;
    // For a person who puts it there, by file; nothing is read or written.
    virtual std::vector<std::pair<std::string, std::string>> texts(const project_files& files, const ide_session& what) const = 0;
    // A file's name as a comment of its language, for texts() printed one after the other; empty: it says its name itself.
    virtual std::string heading(const std::string& file) const = 0;
    // What to do in the IDE.
    virtual std::string next(const ide_session& what) const = 0;
    // Files that cannot be read name none.
    virtual ide_ports ports(const project_files& files) const = 0;
};

std::unique_ptr<ide> make_vscode();
std::unique_ptr<ide> make_goland();
std::unique_ptr<ide> make_neovim();

// `path` with `variable` for the folder it is in; as it is when it is elsewhere.
std::string in_folder(const std::string& path, const std::string& folder, std::string_view variable);

// Writing and removing a file that is all ours. Refused when somebody has changed it, or it is somebody else's.
or_reason<ide::changes> write_own_file(const project_files& files, const std::string& name, const std::string& text);
or_reason<ide::changes> remove_own_file(const project_files& files, const std::string& name, const std::optional<std::string>& like);
// Whether those would be refused; for one of several files that are written or removed together.
or_reason<void> may_write_own_file(const project_files& files, const std::string& name, const std::string& text);
or_reason<void> may_remove_own_file(const project_files& files, const std::string& name, const std::optional<std::string>& like);
// Names of files in a directory below the folder, without `prefix` and `suffix`, that have both.
std::vector<std::string> names_between(const project_files& files, const std::string& directory, std::string_view prefix, std::string_view suffix);

}  // namespace gateway
