#include "gateway/source_lines.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "gateway/component_log.h"
#include "gateway/hub.h"
#include "gateway/local_checkout.h"
#include "protocol/json.h"
#include "protocol/printable.h"
#include "storage/fd.h"

namespace gateway {

using protocol::json;

namespace {

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r");
    return begin == text.npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

json value_of(const rpc_outcome& out) {
    auto parsed = out.ok() ? protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false}) : protocol::result<json>(json{});
    return parsed ? std::move(*parsed) : json{};
}

// The process and its build: another one is another program.
std::string program_of(const hub& session) {
    std::string out;
    for (const auto* method : {"RPCServer.ProcessPid", "RPCServer.LastModified"})
        if (const auto* reply = session.fixed_reply(method)) out += *reply + "\n";
    return out;
}

}  // namespace

std::optional<std::string> read_source_line(const std::string& directory, const std::string& below, std::int64_t number, std::time_t newest) {
    if (number < 1 || below.empty()) return std::nullopt;
    const storage::unique_fd root(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return std::nullopt;
    open_how how{};
    // A FIFO that nobody writes to is opened at once with O_NONBLOCK, and is then no regular file.
    how.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const storage::unique_fd file(static_cast<int>(::syscall(SYS_openat2, root.get(), below.c_str(), &how, sizeof how)));
    struct stat about {};
    if (!file || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
    if (about.st_size > static_cast<off_t>(source_file) || about.st_mtime > newest) return std::nullopt;
    std::string line;
    std::size_t all = 0;
    char bytes[64 * 1024];
    for (std::int64_t at = 1; at <= number;) {
        const auto n = ::read(file.get(), bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 || (all += static_cast<std::size_t>(n)) > source_file) return std::nullopt;
        if (n == 0) {
            if (at < number) return std::nullopt;
            break;
        }
        std::string_view rest(bytes, static_cast<std::size_t>(n));
        while (!rest.empty() && at <= number) {
            const auto end = rest.find('\n');
            // Of a line without end no more is kept than can be shown, with the space before it.
            if (at == number && line.size() < 16 * source_text) line += rest.substr(0, std::min(end, 16 * source_text));
            if (end == rest.npos) break;
            ++at;
            rest.remove_prefix(end + 1);
        }
    }
    auto text = trimmed(line);
    if (text.empty()) return std::nullopt;
    const bool cut = text.size() > source_text;
    if (cut) {
        auto end = source_text;
        while (end > source_text - 4 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
        text = text.substr(0, end);
    }
    return protocol::printable(text) + (cut ? "…" : "");
}

std::optional<std::time_t> read_modified(std::string_view reply) {
    const auto parsed = protocol::parse_json(reply, {.max_depth = 8, .fold_keys = false});
    if (!parsed) return std::nullopt;
    const std::string text(parsed->get_string("Time"));
    std::tm utc{};
    int end = 0, hours = 0, minutes = 0;
    if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &end) != 6)
        return std::nullopt;
    const auto zone = text.find_first_of("Z+-", static_cast<std::size_t>(end));
    if (zone == text.npos) return std::nullopt;
    if (text[zone] != 'Z' && std::sscanf(text.c_str() + zone + 1, "%2d:%2d", &hours, &minutes) != 2) return std::nullopt;
    utc.tm_year -= 1900;
    --utc.tm_mon;
    const auto ahead = static_cast<std::time_t>(hours * 60 + minutes) * 60;
    return ::timegm(&utc) - (text[zone] == '-' ? -ahead : ahead);
}

boost::asio::awaitable<protocol::program_sources> ask_program_sources(hub& session) {
    const auto packages = co_await session.door("RPCServer.ListPackagesBuildInfo", "{\"IncludeFiles\":false}");
    const auto main = co_await session.door("RPCServer.FindLocation", R"({"Scope":{"GoroutineID":-1},"Loc":"main.main"})");
    // What `go version -m` prints; the program carries it with it.
    const auto info = co_await session.door(
        "RPCServer.Eval", R"({"Scope":{"GoroutineID":-1},"Expr":"runtime.modinfo","Cfg":{"FollowPointers":false,"MaxVariableRecurse":0,"MaxStringLen":65536,"MaxArrayValues":0,"MaxStructFields":0}})");
    const auto value = value_of(info);
    const json* variable = value.find("Variable");
    co_return protocol::read_program(variable ? variable->get_string("value") : std::string_view(), value_of(packages), value_of(main));
}

source_lines::source_lines(std::string directory) : directory_((std::filesystem::path(directory) / "").lexically_normal().parent_path()) {}

void source_lines::keep_up(hub& session) {
    if (session.now() != phase::stopped || *asking_) return;
    auto program = program_of(session);
    if (program == known_->program) return;
    *known_ = {std::move(program), {}, std::nullopt};
    *asking_ = true;
    session.at_rest(
        [this, &session, asking = asking_]() -> boost::asio::awaitable<void> {
            const auto there = co_await ask_program_sources(session);
            take(there, session);
            *asking = false;
        },
        [known = known_, asking = asking_](const std::string&) {
            known->program.clear();
            *asking = false;
        });
}

void source_lines::take(const protocol::program_sources& there, const hub& session) {
    place_.clear();
    auto here = read_checkout(directory_);
    if (!here) return component_log(session.name()).warn("no source lines: {}", protocol::printable(here.error()));
    // Only what is in the directory.
    here->goroot.clear();
    here->module_cache.clear();
    for (const auto& rule : protocol::guess_rules(*here, there)) known_->map.add_unless_there(rule);
    // The same commit was checked out when the program was built: then it is the file's text unless somebody has changed it by now.
    // Otherwise as Delve has it: a file newer than the program is another one.
    if (!here->revision.empty() && !there.revision.empty() && !there.modified) {
        if (here->revision == there.revision)
            known_->newest = std::time(nullptr);
        else
            component_log(session.name()).warn("no source lines: {}", protocol::printable(protocol::revision_warning(*here, there)));
    } else if (const auto* reply = session.fixed_reply("RPCServer.LastModified")) {
        known_->newest = read_modified(*reply);
    }
}

std::string source_lines::at_stop(const hub& session) {
    if (session.now() != phase::stopped || !known_->newest || *asking_) return {};
    const auto& at = session.last_stop().state.current_thread;
    if (!at || at->file.empty()) return {};
    auto place = session.park().name() + " " + at->file + ":" + std::to_string(at->line);
    if (place == place_) return text_;
    place_ = std::move(place);
    text_.clear();
    // A name that no rule fits stays as it is, and may be in the directory all the same: the program was built there.
    const auto local = known_->map.to_client(at->file);
    if (local.size() > directory_.size() + 1 && local.starts_with(directory_) && local[directory_.size()] == '/')
        text_ = read_source_line(directory_, local.substr(directory_.size() + 1), at->line, *known_->newest).value_or("");
    return text_;
}

}  // namespace gateway
