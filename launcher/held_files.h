// Files as held_manifest moves them: seen whole, moved without overwriting, on the disk before the next step.
//
// `dir` is an open directory, `name` a file directly in it. int results are errno, 0 when it is done.
#pragma once

#include <optional>
#include <string>

#include "launcher/held_manifest.h"

namespace launcher {

inline constexpr std::size_t largest_manifest = 10 << 20;  // the kubelet reads no larger one

struct seen_file {
    enum class what { none, whole, odd } state = what::none;  // odd: neither a readable file nor a link
    file_stamp stamp;
    std::string why;  // of odd
};
seen_file see_file(int dir, const std::string& name);

// What the kubelet would read from both is the same; of a link held elsewhere only its text can be compared.
bool same_content(const file_stamp& a, const file_stamp& b);

// rename(2) that never overwrites: EEXIST. Where the filesystem does not know RENAME_NOREPLACE, a link and an unlink.
int move_file(int from_dir, const std::string& from, int to_dir, const std::string& to);

// A whole new file (0600), flushed, then by one rename under its name; `replace`: whether over one of that name.
int write_whole(int dir, const std::string& name, const std::string& text, bool replace);

int flush(int dir);
int flush_file(int dir, const std::string& name);
int remove_file(int dir, const std::string& name);  // no error when it is gone

// Owner, mode, attributes and modification time as recorded; touches only what differs.
int restamp(int dir, const std::string& name, const file_stamp& stamp);

// For two filesystems: a flushed copy with `stamp`, published by one rename that overwrites nothing.
int copy_file(int from_dir, const std::string& from, int to_dir, const std::string& to, const file_stamp& stamp);

std::string errno_text(int error);

}  // namespace launcher
