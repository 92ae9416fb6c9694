#include "launcher/service_record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "launcher/fd.h"
#include "launcher/moment.h"
#include "protocol/json.h"
#include "storage/trusted_file.h"

namespace launcher {

namespace {

constexpr std::size_t largest = 4096;

std::string path_of(const std::string& directory, const std::string& unit) { return directory + "/" + unit + ".json"; }

}  // namespace

outcome<void> write_service_record(const std::string& directory, const std::string& unit, const service_record& record) {
    auto kept = protocol::json(protocol::json::object{});
    kept.set("bootId", now().boot_id);
    kept.set("pid", static_cast<std::int64_t>(record.main.pid));
    kept.set("started", static_cast<std::int64_t>(record.main.started));
    kept.set("timeoutStop", static_cast<std::int64_t>(record.timeout_stop.count()));
    if (record.wait_status) kept.set("waitStatus", static_cast<std::int64_t>(*record.wait_status));
    const auto text = protocol::to_text(kept) + "\n";

    const auto path = path_of(directory, unit), fresh = path + ".new";
    const auto fault = [&] { return path + " could not be written: " + std::strerror(errno); };
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return fault();
    const unique_fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::rename(fresh.c_str(), path.c_str()) != 0)
        return fault();
    return {};
}

std::optional<service_record> read_service_record(const std::string& directory, const std::string& unit) {
    const auto bytes = storage::read_trusted(path_of(directory, unit), largest);
    const auto kept = bytes && bytes->size() <= largest ? protocol::parse_json(*bytes) : protocol::parse_json("null");
    if (!kept || !kept->is_object() || kept->get_string("bootId") != now().boot_id) return {};
    service_record record;
    record.main.pid = static_cast<pid_t>(kept->get_int("pid"));
    record.main.started = static_cast<std::uint64_t>(kept->get_int("started"));
    record.timeout_stop = std::chrono::microseconds(kept->get_int("timeoutStop"));
    if (const auto* status = kept->find("waitStatus"))
        if (const auto number = status->as_int()) record.wait_status = static_cast<int>(*number);
    return record;
}

void remove_service_record(const std::string& directory, const std::string& unit) {
    ::unlink(path_of(directory, unit).c_str());
}

std::string words_of_wait_status(int status) {
    if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace launcher
