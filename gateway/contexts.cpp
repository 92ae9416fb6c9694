#include "gateway/contexts.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "auth/pem.h"
#include "gateway/state_directory.h"
#include "protocol/json.h"
#include "storage/fd.h"

namespace gateway {

namespace {

using protocol::json;

constexpr std::string_view draft_prefix = ".new-";
constexpr std::size_t longest_name = 64;

std::string errno_text() { return std::generic_category().message(errno); }

// On disk before it returns; a file that was there is replaced by rename.
auth::outcome<void> durable_file(const std::string& path, std::string_view content) {
    std::string beside = path + ".XXXXXX";
    const int fd = ::mkostemp(beside.data(), O_CLOEXEC);  // 0600 by itself
    if (fd < 0) return "cannot write " + path + ": " + errno_text();
    bool fine = storage::write_all(fd, content) == 0 && ::fsync(fd) == 0;
    fine = ::close(fd) == 0 && fine && ::rename(beside.c_str(), path.c_str()) == 0;
    if (fine) return {};
    const std::string why = errno_text();
    ::unlink(beside.c_str());
    return "cannot write " + path + ": " + why;
}

void sync_directory(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

// Drafts of processes that were killed.
void sweep(const std::string& contexts) {
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(contexts, ec)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with(draft_prefix)) continue;
        const pid_t pid = static_cast<pid_t>(std::atol(name.c_str() + draft_prefix.size()));
        if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) std::filesystem::remove_all(entry.path(), ec);
    }
}

}  // namespace

std::string default_laptop_directory() {
    if (const char* xdg = std::getenv("XDG_CONFIG_HOME"); xdg && *xdg == '/')
        return std::string(xdg) + "/delvegate";
    const char* home = std::getenv("HOME");
    return std::string(home && *home ? home : "") + "/.config/delvegate";
}

std::optional<host_port> parse_gateway(const std::string& text, std::uint16_t default_port) {
    const bool port_given = !text.empty() && text.back() != ']' && text.find(':') != std::string::npos;
    const auto parsed = parse_host_port(port_given ? text : text + ":" + std::to_string(default_port));
    if (!parsed || parsed->host.empty() || parsed->port == 0) return std::nullopt;
    return *parsed;
}

bool context_store::good_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_name && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                      c == '_' || c == '.';
           });
}

std::string context_store::name_for(const std::string& host) {
    std::string name;
    for (const char c : host.substr(0, longest_name)) name += good_name({&c, 1}) || c == '.' ? c : '-';
    while (!name.empty() && name.front() == '.') name.erase(0, 1);
    return name.empty() ? "gateway" : name;
}

std::vector<std::string> context_store::names() const {
    std::vector<std::string> all;
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(root_ + "/contexts", ec))
        if (good_name(entry.path().filename().string()) && entry.is_directory(ec))
            all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
}

auth::outcome<laptop_context> context_store::read(const std::string& name) const {
    const std::string file = directory(name) + "/context.json";
    if (!good_name(name) || ::access(file.c_str(), F_OK) != 0) {
        std::string known;
        for (const auto& one : names()) known += (known.empty() ? "" : ", ") + one;
        return "there is no context \"" + name + "\"; " +
               (known.empty() ? "`delvegate enroll` makes one" : "those there are: " + known);
    }
    const auto text = read_file(file);
    if (!text) return text.error();
    const auto parsed = protocol::parse_json(*text, {.fold_keys = false});
    const auto where = parsed ? parse_gateway(std::string(parsed->get_string("gateway")), 7443) : std::nullopt;
    if (!where) return file + " is damaged; enrol again, or delete the context with `delvegate context delete " + name + "`";
    laptop_context out;
    out.name = name;
    out.gateway = *where;
    out.renew_until = parsed->get_int("renewUntil");
    return out;
}

auth::tls_files context_store::files(const std::string& name) const {
    auth::tls_files out;
    out.certificate = out.key = directory(name) + "/client.pem";
    out.ca = directory(name) + "/ca.crt";
    return out;
}

auth::outcome<auth::identity> context_store::who(const std::string& name) const {
    using result = auth::outcome<auth::identity>;
    const auto certificate = auth::load_certificate(files(name).certificate);
    if (!certificate) return result(boost::system::in_place_error, certificate.error());
    return auth::identify(certificate->get());
}

std::optional<std::string> context_store::current() const {
    auto text = read_file(root_ + "/current-context");
    if (!text) return std::nullopt;
    while (!text->empty() && text->back() == '\n') text->pop_back();
    if (!good_name(*text)) return std::nullopt;
    return *text;
}

auth::outcome<void> context_store::use(const std::string& name) {
    if (const auto there = read(name); !there) return there.error();
    return durable_file(root_ + "/current-context", name + "\n");
}

auth::outcome<void> context_store::remove(const std::string& name) {
    if (!good_name(name) || ::access(directory(name).c_str(), F_OK) != 0) return read(name).error();
    // Gone at once, whatever becomes of the files.
    const std::string aside = root_ + "/contexts/" + std::string(draft_prefix) + std::to_string(::getpid()) + "-old";
    if (::rename(directory(name).c_str(), aside.c_str()) != 0)
        return "cannot delete " + directory(name) + ": " + errno_text();
    std::error_code ec;
    std::filesystem::remove_all(aside, ec);
    if (current() == name) ::unlink((root_ + "/current-context").c_str());
    return {};
}

auth::outcome<void> context_store::replace_identity(const std::string& name, std::string_view identity) {
    auto done = durable_file(files(name).certificate, identity);
    if (done) sync_directory(directory(name));
    return done;
}

auth::outcome<context_store::draft> context_store::begin() {
    draft out;
    out.root_ = root_;
    const std::string contexts = root_ + "/contexts";
    for (std::size_t slash = contexts.find('/', 1);; slash = contexts.find('/', slash + 1)) {
        const std::string part = contexts.substr(0, slash);
        if (::mkdir(part.c_str(), 0700) == 0)
            out.made_.push_back(part);
        else if (errno != EEXIST)
            return "cannot make the directory " + part + ": " + errno_text();
        if (slash == std::string::npos) break;
    }
    struct stat info {};
    if (::stat(contexts.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid())
        return contexts + " is not a directory of yours; move it away";
    if ((info.st_mode & 0077) != 0 && ::chmod(contexts.c_str(), 0700) != 0)
        return "cannot change the mode of " + contexts + ": " + errno_text();
    sweep(contexts);
    const std::string path = contexts + "/" + std::string(draft_prefix) + std::to_string(::getpid());
    if (::mkdir(path.c_str(), 0700) != 0) return "cannot make the directory " + path + ": " + errno_text();
    out.path_ = path;
    return out;
}

context_store::draft::draft(draft&& other) noexcept
    : root_(std::move(other.root_)), path_(std::exchange(other.path_, {})), made_(std::exchange(other.made_, {})) {}

context_store::draft::~draft() {
    std::error_code ec;
    if (!path_.empty()) std::filesystem::remove_all(path_, ec);
    // Only what is empty goes: others may have come meanwhile.
    for (auto at = made_.rbegin(); at != made_.rend(); ++at) ::rmdir(at->c_str());
}

auth::outcome<void> context_store::draft::commit(const laptop_context& context, std::string_view identity,
                                                 std::string_view ca) {
    json record;
    record.set("gateway", to_string(context.gateway));
    record.set("renewUntil", std::int64_t{context.renew_until});
    if (auto done = durable_file(path_ + "/client.pem", identity); !done) return done;
    if (auto done = durable_file(path_ + "/ca.crt", ca); !done) return done;
    if (auto done = durable_file(path_ + "/context.json", protocol::to_text(record) + "\n"); !done) return done;
    sync_directory(path_);
    const std::string target = root_ + "/contexts/" + context.name;
    bool fine = ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0;
    std::error_code ec;
    if (!fine && errno == EEXIST) {
        fine = ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0;
        if (fine) std::filesystem::remove_all(path_, ec);
    }
    if (!fine) return "cannot store the context in " + target + ": " + errno_text();
    path_.clear();
    made_.clear();
    sync_directory(root_ + "/contexts");
    return durable_file(root_ + "/current-context", context.name + "\n");
}

}  // namespace gateway
