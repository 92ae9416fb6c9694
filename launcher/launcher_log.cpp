#include "launcher/launcher_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <system_error>
#include <utility>

#include "launcher/fd.h"
#include "launcher/state_lock.h"

namespace launcher {
namespace {

std::string utc(std::int64_t unix_ms) {
    const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    const std::string ms = std::to_string(1000 + unix_ms % 1000).substr(1);
    return std::string(text, n) + "." + ms + "Z";
}

// One writer: the server calls it under its own lock.
class log_file {
public:
    log_file(unique_fd directory, std::string file, std::string name, std::uint64_t most)
        : directory_(std::move(directory)), file_(std::move(file)), name_(std::move(name)), most_(most) {}

    outcome<void> open() {
        fd_ = unique_fd(::openat(directory_.get(), name_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
        struct stat info {};
        if (!fd_ || ::fstat(fd_.get(), &info) != 0) return problem();
        if (!S_ISREG(info.st_mode) || info.st_nlink != 1 || info.st_uid != ::geteuid() || (info.st_mode & 077) != 0)
            return file_ + " is not a file of root's alone; move it away, or: chmod 600 " + file_;
        size_ = static_cast<std::uint64_t>(info.st_size);
        return {};
    }

    outcome<void> write(const std::string& line) {
        if (!fd_ || (size_ > 0 && size_ + line.size() > most_)) {
            if (fd_ && ::renameat(directory_.get(), name_.c_str(), directory_.get(), (name_ + ".1").c_str()) != 0) return problem();
            if (auto opened = open(); !opened) return opened;
        }
        const ssize_t n = ::write(fd_.get(), line.data(), line.size());
        if (n == static_cast<ssize_t>(line.size()) && ::fsync(fd_.get()) == 0) {
            size_ += line.size();
            return {};
        }
        auto fault = problem();
        // No half line: the next would be read as part of it.
        if (n > 0) [[maybe_unused]] const int cut = ::ftruncate(fd_.get(), static_cast<off_t>(size_));
        return fault;
    }

private:
    outcome<void> problem() const { return "the launcher's log " + file_ + " cannot be written: " + std::generic_category().message(errno); }

    unique_fd directory_;
    std::string file_;
    std::string name_;
    std::uint64_t most_;
    unique_fd fd_;
    std::uint64_t size_ = 0;
};

}  // namespace

std::string log_line(const asked_verb& record, std::int64_t unix_ms) {
    using protocol::json;
    json out;
    out.set("time", utc(unix_ms));
    out.set("number", record.number);
    out.set("event", record.when == asked_verb::phase::asked ? "asked" : "done");
    out.set("uid", std::int64_t{record.uid});
    out.set("pid", std::int64_t{record.pid});
    if (!record.login.empty()) out.set("login", record.login);
    // As it would be sent: names and hashes only, so nothing in it is secret.
    if (const auto request = protocol::parse_json(to_text(record.request)); request && request->if_object())
        for (const auto& [key, value] : *request->if_object())
            if (key != "v") out.set(key, value);
    if (record.when == asked_verb::phase::done) out.set("outcome", record.outcome);
    return protocol::to_text(out) + "\n";
}

outcome<verb_log> open_verb_log(const std::string& file, std::uint64_t most) {
    const auto failed = [](std::string why) { return outcome<verb_log>(boost::system::in_place_error, std::move(why)); };
    const std::size_t slash = file.rfind('/');
    if (slash == std::string::npos || slash == 0) return failed("\"" + file + "\" is no place for a log");
    std::shared_ptr<log_file> logs[2];
    for (const bool aside : {false, true}) {
        auto directory = make_root_directory(file.substr(0, slash), 0755);
        if (!directory) return failed(directory.error());
        const std::string one = file + (aside ? ".gateway" : "");
        logs[aside] = std::make_shared<log_file>(std::move(*directory), one, one.substr(slash + 1), most);
        if (auto opened = logs[aside]->open(); !opened) return failed(opened.error());
    }
    return outcome<verb_log>(boost::system::in_place_value, [main = logs[0], beside = logs[1]](const asked_verb& record) {
        const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
        return (record.aside ? beside : main)->write(log_line(record, now.count()));
    });
}

}  // namespace launcher
