#include "gateway/background_connect.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "gateway/config.h"
#include "gateway/host_calls.h"
#include "gateway/state_directory.h"
#include "protocol/printable.h"
#include "storage/sha256.h"

namespace gateway {
namespace {

using protocol::json;
namespace fs = std::filesystem;

constexpr int lock_for_child = 3;
constexpr int between_looks = 50;                    // ms
constexpr std::chrono::seconds start_patience{60};   // for the start of another call
constexpr std::chrono::seconds end_patience{10};
constexpr std::string_view lock_suffix = ".lock", record_suffix = ".json", pipe_suffix = ".end", log_suffix = ".log";

std::string errno_text() { return std::generic_category().message(errno); }

// A person's, also root's: on a node /var/lib/delvegate is the gateway's.
std::string directory() {
    for (const auto& [variable, below] : {std::pair{"XDG_STATE_HOME", ""}, std::pair{"HOME", "/.local/state"}})
        if (const char* base = std::getenv(variable); base && *base == '/') return std::string(base) + below + "/delvegate/connect";
    return default_state_directory() + "/connect";
}

std::string prefix(const background_place& place) { return place.component + "@" + storage::sha256_hex(place.gateway).substr(0, 16) + "@"; }

// Of all of its files: what differs is the suffix.
or_reason<std::string> stem(const background_place& place) {
    const auto where = parse_listen_address(place.listen);
    if (!where) return or_reason<std::string>(boost::system::in_place_error, where.error());
    auto name = to_text(*where);
    for (auto& c : name)
        if (c == ':') c = '_';
    return or_reason<std::string>(boost::system::in_place_value, directory() + "/" + prefix(place) + name);
}

void sweep(const std::string& stem) {
    for (const auto suffix : {record_suffix, pipe_suffix}) ::unlink((stem + std::string(suffix)).c_str());
}

// The lock, if nobody has it. A holder that ends removes the file: a lock on one that has no name any more is worth nothing.
or_reason<storage::unique_fd> try_lock(const std::string& file, bool make) {
    using result = or_reason<storage::unique_fd>;
    for (;;) {
        storage::unique_fd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0), 0600));
        if (!fd && errno == ENOENT && !make) return result(boost::system::in_place_value, storage::unique_fd());
        if (!fd) return result(boost::system::in_place_error, "cannot open " + file + ": " + errno_text());
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) return result(boost::system::in_place_value, storage::unique_fd());
            return result(boost::system::in_place_error, "cannot lock " + file + ": " + errno_text());
        }
        struct stat mine {}, named {};
        if (::fstat(fd.get(), &mine) == 0 && ::stat(file.c_str(), &named) == 0 && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev)
            return result(boost::system::in_place_value, std::move(fd));
    }
}

// Where a process that is ready hears; none: nobody does.
storage::unique_fd its_pipe(const std::string& stem) {
    return storage::unique_fd(::open((stem + std::string(pipe_suffix)).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
}

// Of a process that is ready: the record is there before the pipe is.
std::optional<json> its_record(const std::string& stem) {
    if (!its_pipe(stem)) return std::nullopt;
    const auto text = read_file(stem + std::string(record_suffix));
    auto parsed = text ? protocol::parse_json(*text, {.fold_keys = false}) : protocol::result<json>(json());
    if (!parsed || parsed->get_string("address").empty()) return std::nullopt;
    return std::move(*parsed);
}

// What it said last, before it ended.
std::string last_line(const std::string& file) {
    auto text = read_file(file);
    if (!text) return {};
    while (!text->empty() && text->back() == '\n') text->pop_back();
    auto line = text->substr(text->find_last_of('\n') + 1);
    constexpr std::string_view who = "delvegate: ";
    return line.starts_with(who) ? line.substr(who.size()) : line;
}

using answer = boost::system::result<background_state, background_failure>;

answer failed(const std::string& line, int code = 1) { return background_failure{line, code}; }

// Holding the lock.
answer start(const std::string& stem, storage::unique_fd lock, const background_start& how) {
    sweep(stem);
    const auto log = stem + std::string(log_suffix);
    const auto give_up = [&](const std::string& line, int code = 1) {
        sweep(stem);
        ::unlink(log.c_str());
        ::unlink((stem + std::string(lock_suffix)).c_str());
        return failed(line, code);
    };
    storage::unique_fd out(::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!out) return give_up("cannot write " + log + ": " + errno_text());
    std::array<int, 2> ends{-1, -1};
    if (::pipe(ends.data()) != 0) return give_up("cannot make a pipe: " + errno_text());
    storage::unique_fd said(ends[0]), says(ends[1]);
    ::fcntl(said.get(), F_SETFD, FD_CLOEXEC);
    pid_t pid = -1;
    const int error = start_detached(own_executable(), how.words, says.get(), out.get(), lock.get(), pid);
    says.reset();
    if (error != 0) return give_up("cannot start delvegate in the background: " + std::generic_category().message(error));
    std::string text;
    std::array<char, 4096> part;
    for (ssize_t n = 0; text.find('\n') == text.npos && (n = ::read(said.get(), part.data(), part.size())) != 0;) {
        if (n > 0) text.append(part.data(), static_cast<std::size_t>(n));
        else if (errno != EINTR) break;
    }
    auto parsed = protocol::parse_json(text, {.fold_keys = false});
    if (text.ends_with('\n') && parsed) {
        background_state now;
        now.record = std::move(*parsed);
        now.started = true;
        return now;
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    auto line = last_line(log);
    if (WIFSIGNALED(status)) line = "the connect in the background was ended by signal " + std::to_string(WTERMSIG(status)) + " before it was ready";
    if (line.empty()) line = "the connect in the background ended before it was ready";
    return give_up(line, WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1);
}

}  // namespace

answer start_in_background(const background_place& place, const background_start& how, const std::string& end) {
    const auto at = stem(place);
    if (!at) return failed(at.error(), 2);
    if (const auto made = private_directory(directory()); !made) return failed(made.error());
    for (const auto until = std::chrono::steady_clock::now() + start_patience; std::chrono::steady_clock::now() < until;) {
        auto lock = try_lock(*at + std::string(lock_suffix), true);
        if (!lock) return failed(lock.error());
        if (*lock) return start(*at, std::move(*lock), how);
        // One that is starting is waited for, and one that is ending.
        if (auto record = its_record(*at)) {
            if (record->get_string("options") != how.options)
                return failed(place.component + " is carried in the background already on " + std::string(record->get_string("address")) +
                              ", with other options; end that with `" + end + "`, and start it again");
            background_state now;
            now.record = std::move(*record);
            return now;
        }
        ::poll(nullptr, 0, between_looks);
    }
    return failed("another connect of " + place.component + " in the background is neither ready nor ending; end it with `" + end + "`, or see its log, " +
                  *at + std::string(log_suffix));
}

or_reason<int> end_in_background(const background_place& place) {
    using result = or_reason<int>;
    std::vector<std::string> stems;
    if (!place.listen.empty()) {
        const auto one = stem(place);
        if (!one) return result(boost::system::in_place_error, one.error());
        stems.push_back(*one);
    } else {
        std::error_code ec;
        for (fs::directory_iterator at(directory(), ec), none; !ec && at != none; at.increment(ec)) {
            const auto name = at->path().filename().string();
            if (name.starts_with(prefix(place)) && name.ends_with(lock_suffix))
                stems.push_back(directory() + "/" + name.substr(0, name.size() - lock_suffix.size()));
        }
    }
    int ended = 0;
    const auto until = std::chrono::steady_clock::now() + end_patience;
    for (const auto& one : stems) {
        for (bool ran = false;; ran = true) {
            auto lock = try_lock(one + std::string(lock_suffix), false);
            if (!lock) return result(boost::system::in_place_error, lock.error());
            std::error_code ec;
            if (*lock || !fs::exists(one + std::string(lock_suffix), ec)) {
                // What a kill -9 has left goes, too.
                if (*lock) sweep(one), ::unlink((one + std::string(lock_suffix)).c_str());
                ended += ran;
                break;
            }
            if (const auto pipe = its_pipe(one); pipe) storage::write_all(pipe.get(), "e");
            if (std::chrono::steady_clock::now() > until)
                return result(boost::system::in_place_error, "the connect of " + place.component + " in the background does not end; `lsof " + one +
                                                                 std::string(lock_suffix) + "` names its process");
            ::poll(nullptr, 0, between_looks);
        }
    }
    return ended;
}

or_reason<background_self> background_self::take(const background_place& place, std::string options) {
    using result = or_reason<background_self>;
    const auto at = stem(place);
    if (!at) return result(boost::system::in_place_error, at.error());
    struct stat mine {}, named {};
    if (::fstat(lock_for_child, &mine) != 0 || ::stat((*at + std::string(lock_suffix)).c_str(), &named) != 0 || mine.st_ino != named.st_ino ||
        mine.st_dev != named.st_dev)
        return result(boost::system::in_place_error, "--in-background is delvegate's own option; use --background");
    background_self out;
    out.lock_ = storage::unique_fd(lock_for_child);
    ::fcntl(lock_for_child, F_SETFD, FD_CLOEXEC);
    out.stem_ = *at;
    out.options_ = std::move(options);
    return result(boost::system::in_place_value, std::move(out));
}

background_self::~background_self() {
    if (!lock_) return;
    leaving();
    // Before that whoever started it has the lock as well, and cleans up with what it says.
    if (told_) ::unlink((stem_ + std::string(lock_suffix)).c_str());
}

or_reason<void> background_self::ready(json ready) {
    using result = or_reason<void>;
    ready.set("log", stem_ + std::string(log_suffix));
    const auto told = protocol::to_text(ready) + "\n";
    ready.set("options", options_);
    if (const auto done = write_file(stem_ + std::string(record_suffix), protocol::to_text(ready) + "\n", 0600); !done)
        return result(boost::system::in_place_error, done.error());
    const auto pipe = stem_ + std::string(pipe_suffix);
    if (::mkfifo(pipe.c_str(), 0600) != 0) return result(boost::system::in_place_error, "cannot make " + pipe + ": " + errno_text());
    asked_ = storage::unique_fd(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    // Held open at the other end, too: readable then means a byte, and never that somebody has gone.
    writer_ = storage::unique_fd(::open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (!asked_ || !writer_) return result(boost::system::in_place_error, "cannot open " + pipe + ": " + errno_text());
    told_ = true;
    // Whoever started it may have gone.
    storage::write_all(STDOUT_FILENO, told);
    if (const storage::unique_fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC)); null) ::dup2(null.get(), STDOUT_FILENO);
    return {};
}

void background_self::leaving() { sweep(stem_); }

}  // namespace gateway
