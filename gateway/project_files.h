// Files of a project that an IDE reads, and that `delvegate ide` writes into: changed whole or not at all, and put back as
// they were.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/local_port.h"

namespace gateway {

// What happened to a file.
enum class file_change { none, written, deleted };

class project_files {
public:
    // `folder`: of the project. `remembered_in`: a directory for what the files were before; made when it is needed, 0700.
    project_files(std::string folder, std::string remembered_in) : folder_(std::move(folder)), memory_(std::move(remembered_in)) {}

    const std::string& folder() const { return folder_; }

    // Of a file by its name below the folder; no value: there is none. Refused: what is no plain file, cannot be written,
    // is longer than 4 MiB or not UTF-8, and a link that leads nowhere.
    or_reason<std::optional<std::string>> read(const std::string& name) const;

    // Puts `now` in the place of `was`, which read() gave, by one rename of a file that is on the disk already; a link is
    // followed, and the file keeps its mode and owner. Refused when the file is not `was` any more. `ours_before`: whether
    // something of ours is in `was`; where there is not, `was` is remembered.
    or_reason<file_change> put(const std::string& name, const std::optional<std::string>& was, const std::string& now, bool ours_before) const;

    // The same when something is taken out. `ours_left`: whether something of ours is still in `now`. Where nothing is, and
    // nobody but put() and take() has changed the file since, it becomes what it was before the first put(), byte for byte:
    // one that was not there is deleted, with the directories that were made for it. Without a `now` the whole file was ours.
    or_reason<file_change> take(const std::string& name, const std::optional<std::string>& was, const std::optional<std::string>& now,
                                bool ours_left) const;

    // Whether put() has made the file, whatever has become of it since.
    bool made(const std::string& name) const;

    // Whether a file is as put() or take() left it.
    bool untouched(const std::string& name, const std::optional<std::string>& content) const;

private:
    struct memory {
        memory() = default;  // no aggregate: an error's text must not look like one
        std::optional<std::string> before;
        std::string after;                     // SHA-256 of what was written last
        std::vector<std::string> directories;  // made for it, outer ones first
    };
    std::string memory_file(const std::string& path) const;
    std::optional<memory> recall(const std::string& path, const std::optional<std::string>& content) const;
    std::optional<memory> remembered(const std::string& path) const;
    or_reason<void> remember(const std::string& path, const memory& what) const;
    or_reason<std::filesystem::path> resolve(const std::string& name) const;
    or_reason<void> unchanged(const std::string& name, const std::string& path, const std::optional<std::string>& was) const;
    or_reason<void> replace(const std::string& name, const std::string& path, const std::optional<std::string>& was, const std::string& now) const;

    std::string folder_, memory_;
};

}  // namespace gateway
