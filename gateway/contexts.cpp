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

#include "auth/armor.h"
#include "auth/pem.h"
#include "gateway/host_calls.h"
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

// Of what is left of a file; nothing, and errno, where it cannot be read.
std::optional<std::string> version_of(int fd) {
    std::string text;
    for (char part[4096];;) {
        const ssize_t got = ::read(fd, part, sizeof part);
        if (got < 0 && errno != EINTR) return std::nullopt;
        if (got > 0) text.append(part, static_cast<std::size_t>(got));
        OPENSSL_cleanse(part, sizeof part);
        if (got == 0) break;
    }
    auto version = auth::sha256_hex(text);
    OPENSSL_cleanse(text.data(), text.size());
    return version;
}

void sync_directory(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

std::string record_of(const laptop_context& context) {
    json record;
    record.set("gateway", to_string(context.gateway));
    record.set("renewUntil", std::int64_t{context.renew_until});
    if (context.via.how != via_way::kind::direct) record.set("via", to_text(context.via));
    return protocol::to_text(record) + "\n";
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
    const auto via = parse_via(parsed ? parsed->get_string("via") : std::string_view());
    if (!where || !via) return file + " is damaged; enrol again, or delete the context with `delvegate context delete " + name + "`";
    laptop_context out;
    out.name = name;
    out.gateway = *where;
    out.renew_until = parsed->get_int("renewUntil");
    out.via = *via;
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

auth::outcome<void> context_store::set_via(const std::string& name, const via_way& via) {
    auto context = read(name);
    if (!context) return context.error();
    context->via = via;
    auto done = durable_file(directory(name) + "/context.json", record_of(*context));
    if (done) sync_directory(directory(name));
    return done;
}

auth::outcome<std::string> context_store::identity_version(const std::string& name) const {
    using result = auth::outcome<std::string>;
    const std::string path = files(name).certificate;
    const storage::unique_fd there(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    auto version = there ? version_of(there.get()) : std::nullopt;
    if (!version) return result(boost::system::in_place_error, "cannot read " + path + ": " + errno_text());
    return result(boost::system::in_place_value, std::move(*version));
}

auth::outcome<bool> context_store::replace_identity(const std::string& name, std::string_view version,
                                                    std::string_view identity) {
    using result = auth::outcome<bool>;
    const std::string path = files(name).certificate;
    const auto cannot = [&path] {
        return result(boost::system::in_place_error, "cannot write " + path + ": " + errno_text());
    };
    // Enrolling exchanges the whole directory; so everything happens in the one that this descriptor is of.
    const storage::unique_fd place(::open(directory(name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!place) return cannot();
    const storage::unique_fd there(::openat(place.get(), "client.pem", O_RDONLY | O_CLOEXEC));
    const auto now = there ? version_of(there.get()) : std::nullopt;
    if (!now) return cannot();
    if (*now != version) return result(boost::system::in_place_value, false);
    const std::string beside = "client.pem." + std::to_string(::getpid());
    ::unlinkat(place.get(), beside.c_str(), 0);  // of a process that was killed
    const storage::unique_fd fresh(::openat(place.get(), beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fresh) return cannot();
    if (storage::write_all(fresh.get(), identity) == 0 && ::fsync(fresh.get()) == 0 &&
        ::renameat(place.get(), beside.c_str(), place.get(), "client.pem") == 0) {
        ::fsync(place.get());
        return result(boost::system::in_place_value, true);
    }
    const auto failed = cannot();
    ::unlinkat(place.get(), beside.c_str(), 0);
    return failed;
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
    if (auto done = durable_file(path_ + "/client.pem", identity); !done) return done;
    if (auto done = durable_file(path_ + "/ca.crt", ca); !done) return done;
    if (auto done = durable_file(path_ + "/context.json", record_of(context)); !done) return done;
    sync_directory(path_);
    const std::string target = root_ + "/contexts/" + context.name;
    bool fine = rename_to_new(path_, target) == 0;
    std::error_code ec;
    if (!fine && errno == EEXIST) {
        fine = rename_exchanging(path_, target) == 0;
        if (fine) std::filesystem::remove_all(path_, ec);
    }
    if (!fine) return "cannot store the context in " + target + ": " + errno_text();
    path_.clear();
    made_.clear();
    sync_directory(root_ + "/contexts");
    return durable_file(root_ + "/current-context", context.name + "\n");
}

}  // namespace gateway
