#include "launcher/stopped_unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "launcher/fd.h"
#include "launcher/process_mark.h"
#include "protocol/json.h"
#include "storage/shell_word.h"
#include "storage/trusted_file.h"

namespace launcher {

namespace {

using protocol::json;

constexpr std::size_t largest = 1u << 20;
constexpr std::string_view ending = ".service";

std::string directory_of(const std::string& state_directory) { return state_directory + "/stopped"; }

bool flush(const std::string& directory) {
    const unique_fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd && (::fsync(fd.get()) == 0 || errno == EINVAL);
}

std::string text_of(const stopped_unit& record) {
    json out = json::object{};
    out.set("unit", record.unit);
    out.set("component", record.component);
    out.set("session", record.session);
    out.set("by", record.by);
    out.set("sinceWall", record.since.wall);
    out.set("sinceBoot", record.since.boot);
    out.set("bootId", record.since.boot_id);
    out.set("initStarted", static_cast<std::int64_t>(mark_process(1).started));
    out.set("wasActive", record.was_active);
    out.set("dependents", record.dependents);
    json::array undo;
    for (const auto& each : record.undo) undo.emplace_back(each);
    out.set("undo", std::move(undo));
    return protocol::to_text(out) + "\n";
}

}  // namespace

std::string stopped_file_of(const std::string& state_directory, const std::string& unit) {
    return directory_of(state_directory) + "/" + unit;
}

outcome<void> keep_stopped(const std::string& state_directory, const stopped_unit& record) {
    const auto directory = directory_of(state_directory);
    const auto path = stopped_file_of(state_directory, record.unit), fresh = directory + "/.new";
    const auto text = text_of(record);
    ::mkdir(directory.c_str(), 0700);
    const unique_fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    const bool written = fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (!written || ::fsync(fd.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0 || !flush(directory) ||
        !flush(state_directory))
        return path + " could not be written: " + std::strerror(errno) + "; " + record.unit + " was not stopped";
    return {};
}

std::optional<stopped_unit> find_stopped(const std::string& state_directory, const std::string& unit) {
    const auto path = stopped_file_of(state_directory, unit);
    struct stat info {};
    if (unit.empty() || unit.find('/') != unit.npos || ::lstat(path.c_str(), &info) != 0) return std::nullopt;
    stopped_unit out;
    out.unit = unit;
    const auto bytes = storage::read_root_file(path, largest);
    const auto value = bytes ? protocol::parse_json(*bytes) : protocol::parse_json("null");
    if (!value || !value->is_object()) return out;
    out.component = value->get_string("component");
    out.session = value->get_string("session");
    out.by = value->get_string("by");
    out.since.wall = value->get_int("sinceWall");
    out.since.boot = value->get_int("sinceBoot");
    out.since.boot_id = value->get_string("bootId");
    out.init_started = value->get_int("initStarted");
    out.was_active = value->get_bool("wasActive");
    out.dependents = value->get_string("dependents");
    return out;
}

bool of_this_boot(const stopped_unit& record) {
    if (record.since.boot_id.empty()) return true;
    const auto init = static_cast<std::int64_t>(mark_process(1).started);
    if (init != record.init_started) return false;
    // Where process 1 is as old as the kernel its boot tells two boots apart. In a container it is not, and there services and
    // shells do not even see the same id (ProtectKernelTunables= shows the host's).
    return init > 60 * ::sysconf(_SC_CLK_TCK) || record.since.boot_id == now().boot_id;
}

std::vector<std::string> stopped_units(const std::string& state_directory) {
    std::vector<std::string> out;
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory_of(state_directory), error), end; !error && at != end; at.increment(error))
        if (const auto name = at->path().filename().string(); name.ends_with(ending)) out.push_back(name);
    return out;
}

outcome<void> forget_stopped(const std::string& state_directory, const std::string& unit) {
    const auto path = stopped_file_of(state_directory, unit);
    if (::unlink(path.c_str()) == 0) {
        flush(directory_of(state_directory));
        return {};
    }
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return path + " could not be removed: " + std::strerror(errno) + "; run: rm " + storage::shell_word(path);
}

}  // namespace launcher
