#include "gateway/project_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "gateway/state_directory.h"
#include "protocol/json.h"
#include "protocol/jsonc.h"
#include "storage/fd.h"
#include "storage/sha256.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;
using protocol::json;

std::string errno_text() { return std::generic_category().message(errno); }

template <class T>
or_reason<T> failed(std::string why) {
    return or_reason<T>(boost::system::in_place_error, std::move(why));
}

mode_t usual_mode() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return 0666 & ~mask;
}

// Mode and owner are those of the file that was there; of a new one the usual.
std::string write_by_rename(const std::string& path, std::string_view content) {
    struct stat info {};
    const bool there = ::stat(path.c_str(), &info) == 0;
    std::string beside = path + ".XXXXXX";
    storage::unique_fd fd(::mkostemp(beside.data(), O_CLOEXEC));
    if (!fd) return errno_text();
    bool fine = ::fchmod(fd.get(), there ? info.st_mode & 07777 : usual_mode()) == 0;
    if (fine && there && (info.st_uid != ::geteuid() || info.st_gid != ::getegid())) fine = ::fchown(fd.get(), info.st_uid, info.st_gid) == 0;
    fine = fine && storage::write_all(fd.get(), content) == 0 && ::fsync(fd.get()) == 0 && ::rename(beside.c_str(), path.c_str()) == 0;
    if (fine) return {};
    auto why = errno_text();
    ::unlink(beside.c_str());
    return why;
}

}  // namespace

or_reason<fs::path> project_files::resolve(const std::string& name) const {
    std::error_code ec;
    const auto path = fs::path(folder_) / name;
    if (fs::is_symlink(path, ec) && !fs::exists(path, ec))
        return failed<fs::path>(path.string() + " is a link that leads nowhere; mend it or move it away");
    const auto real = fs::weakly_canonical(path, ec);
    if (ec) return failed<fs::path>("cannot look at " + path.string() + ": " + ec.message());
    return or_reason<fs::path>(boost::system::in_place_value, real);
}

or_reason<std::optional<std::string>> project_files::read(const std::string& name) const {
    using answer = std::optional<std::string>;
    const auto found = resolve(name);
    if (!found) return failed<answer>(found.error());
    const auto path = found->string();
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return answer();
        return failed<answer>("cannot look at " + path + ": " + errno_text());
    }
    if (!S_ISREG(info.st_mode)) return failed<answer>(path + " is no plain file; move it away");
    if (::access(path.c_str(), W_OK) != 0) return failed<answer>("cannot write " + path + ": " + errno_text());
    if (info.st_size > static_cast<off_t>(protocol::longest_jsonc)) return failed<answer>(path + " is longer than 4 MiB; delvegate leaves it alone");
    std::ifstream in(path, std::ios::binary);
    answer content(std::string(std::istreambuf_iterator<char>(in), {}));
    if (!in) return failed<answer>("cannot read " + path);
    if (!protocol::valid_utf8(*content)) return failed<answer>(path + " is not UTF-8; delvegate leaves it alone");
    return content;
}

or_reason<void> project_files::unchanged(const std::string& name, const std::string& path, const std::optional<std::string>& was) const {
    const auto is = read(name);
    if (!is) return failed<void>(is.error());
    if (*is != was) return failed<void>(path + " has been changed in this moment by somebody else; try again");
    return {};
}

or_reason<void> project_files::replace(const std::string& name, const std::string& path, const std::optional<std::string>& was,
                                       const std::string& now) const {
    if (auto same = unchanged(name, path, was); !same) return same;
    if (const auto why = write_by_rename(path, now); !why.empty()) return failed<void>("cannot write " + path + ": " + why);
    return {};
}

or_reason<file_change> project_files::put(const std::string& name, const std::optional<std::string>& was, const std::string& now,
                                          bool ours_before) const {
    if (was == now) return file_change::none;
    const auto found = resolve(name);
    if (!found) return failed<file_change>(found.error());
    const auto path = found->string();
    if (const auto same = unchanged(name, path, was); !same) return failed<file_change>(same.error());
    auto known = recall(path, was);
    if (!known && !ours_before) {
        known.emplace();
        known->before = was;
        std::error_code ec;
        for (auto parent = fs::path(path).parent_path(); parent.has_relative_path() && !fs::exists(parent, ec); parent = parent.parent_path())
            known->directories.insert(known->directories.begin(), parent.string());
    }
    if (known) {
        known->after = storage::sha256_hex(now);
        if (const auto done = remember(path, *known); !done) return failed<file_change>(done.error());
        for (const auto& directory : known->directories)
            if (::mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST)
                return failed<file_change>("cannot make " + directory + ": " + errno_text());
    }
    if (const auto done = replace(name, path, was, now); !done) return failed<file_change>(done.error());
    return file_change::written;
}

or_reason<file_change> project_files::take(const std::string& name, const std::optional<std::string>& was, const std::optional<std::string>& now,
                                           bool ours_left) const {
    const auto found = resolve(name);
    if (!found) return failed<file_change>(found.error());
    const auto path = found->string();
    if (const auto same = unchanged(name, path, was); !same) return failed<file_change>(same.error());
    auto known = recall(path, was);
    if (known && ours_left && now) {
        known->after = storage::sha256_hex(*now);
        if (const auto done = remember(path, *known); !done) return failed<file_change>(done.error());
    }
    const auto& text = known && !ours_left ? known->before : now;
    if (was == text) return file_change::none;
    auto change = file_change::written;
    if (text) {
        if (const auto done = replace(name, path, was, *text); !done) return failed<file_change>(done.error());
    } else {
        if (::unlink(path.c_str()) != 0) return failed<file_change>("cannot delete " + path + ": " + errno_text());
        change = file_change::deleted;
        // Only what is empty goes: others may have come meanwhile.
        if (!known) known = remembered(path);
        if (known)
            for (auto at = known->directories.rbegin(); at != known->directories.rend(); ++at) ::rmdir(at->c_str());
    }
    if (!ours_left) ::unlink(memory_file(path).c_str());
    return change;
}

bool project_files::untouched(const std::string& name, const std::optional<std::string>& content) const {
    const auto path = resolve(name);
    return path && recall(path->string(), content).has_value();
}

std::string project_files::memory_file(const std::string& path) const { return memory_ + "/" + storage::sha256_hex(path) + ".json"; }

std::optional<project_files::memory> project_files::remembered(const std::string& path) const {
    const auto text = read_file(memory_file(path));
    const auto parsed = text ? protocol::parse_json(*text, {.fold_keys = false}) : protocol::result<json>(json());
    if (!parsed || parsed->get_string("path") != path) return std::nullopt;
    memory out;
    out.after = parsed->get_string("after");
    if (const auto* before = parsed->find("before"); before && before->if_string()) out.before = *before->if_string();
    if (const auto* made = parsed->find("directories"); made && made->if_array())
        for (const auto& one : *made->if_array())
            if (one.if_string()) out.directories.push_back(*one.if_string());
    return out;
}

// What nobody but us has written; another file of that name is another story.
std::optional<project_files::memory> project_files::recall(const std::string& path, const std::optional<std::string>& content) const {
    auto out = remembered(path);
    if (!out || !content || out->after != storage::sha256_hex(*content)) return std::nullopt;
    return out;
}

bool project_files::made(const std::string& name) const {
    const auto path = resolve(name);
    const auto known = path ? remembered(path->string()) : std::nullopt;
    return known && !known->before;
}

or_reason<void> project_files::remember(const std::string& path, const memory& what) const {
    for (fs::path part; const auto& name : fs::path(memory_)) {
        part /= name;
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
            return failed<void>("cannot make " + part.string() + ", where delvegate keeps what " + path + " was: " + errno_text());
    }
    json record = json::object{{"path", path}, {"after", what.after}, {"before", what.before ? json(*what.before) : json()}};
    json::array made;
    for (const auto& directory : what.directories) made.push_back(directory);
    record.set("directories", std::move(made));
    if (const auto done = write_file(memory_file(path), protocol::to_text(record) + "\n", 0600); !done)
        return failed<void>(done.error() + "; delvegate keeps there what " + path + " was");
    return {};
}

}  // namespace gateway
