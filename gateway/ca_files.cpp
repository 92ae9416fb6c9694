#include "gateway/ca_files.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "auth/issuing.h"
#include "gateway/config.h"
#include "gateway/utc.h"

namespace gateway {
namespace {

template <class T>
launcher::outcome<T> failed(std::string why) {
    return launcher::outcome<T>(boost::system::in_place_error, std::move(why));
}

std::string name_of(uid_t user) {
    const passwd* entry = ::getpwuid(user);
    return entry ? entry->pw_name : std::to_string(user);
}

constexpr const char* to_make_one = "; run: delvegate ca init (--state-directory chooses another)";

bool is_absent(int error) { return error == ENOENT || error == ENOTDIR; }

// " (stateDirectory of /etc/delvegate/gateway.yaml)"
std::string by_whom(const usual_state& state) {
    return state.configuration.empty() ? std::string() : " (stateDirectory of " + state.configuration + ")";
}

std::string as_user(uid_t user) {
    return "run this as that user: " + std::string(::geteuid() == 0 ? "runuser -u " : "sudo -u ") + name_of(user) + " -- delvegate …";
}

// Of a path that cannot be looked at: whose the directory is that does not let this user pass.
std::string closed(const usual_state& state, const std::string& path, int error) {
    std::string text = "cannot look at " + path + by_whom(state) + ": " + std::generic_category().message(error);
    struct stat info {};
    std::string above = path;
    do above.resize(std::max<std::size_t>(above.rfind('/') == above.npos ? 0 : above.rfind('/'), 1));
    while (above != "/" && ::stat(above.c_str(), &info) != 0);
    if (error != EACCES || above == "/" || info.st_uid == ::geteuid()) return text + "; --state-directory chooses another";
    return text + ", since " + above + " is of the user " + name_of(info.st_uid) + "; " + as_user(info.st_uid);
}

std::string no_ca(const usual_state& state, const std::string& directory, int error) {
    if (!is_absent(error)) return closed(state, auth::ca_certificate_file(directory), error);
    if (!state.client_ca.empty())
        return "the gateway of " + state.configuration + " takes certificates of " + state.client_ca +
               ": whoever has that CA issues and revokes them (--state-directory names the state of another gateway)";
    if (::access(directory.c_str(), F_OK) != 0) return "there is no CA in " + directory + by_whom(state) + to_make_one;
    return directory + by_whom(state) + " has no ca.crt; take it from a backup (docs/operations.md), or --state-directory chooses another";
}

std::size_t characters(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

launcher::outcome<usual_state> state_by(const std::string& given) {
    if (given.empty()) return find_usual_state();
    usual_state out;
    out.directory = given;
    return out;
}

launcher::outcome<std::string> ca_directory_of(const usual_state& state) {
    struct stat info {};
    if (::stat(state.directory.c_str(), &info) != 0) {
        if (!is_absent(errno)) return failed<std::string>(closed(state, state.directory, errno));
        return failed<std::string>("there is no state directory " + state.directory + by_whom(state) + to_make_one);
    }
    if (info.st_uid != ::geteuid())
        return failed<std::string>(state.directory + by_whom(state) + " belongs to the user " + name_of(info.st_uid) + "; " + as_user(info.st_uid));
    return launcher::outcome<std::string>(boost::system::in_place_value, state.directory + "/ca");
}

launcher::outcome<auth::ca_store> open_store_of(const usual_state& state) {
    const auto directory = ca_directory_of(state);
    if (!directory) return directory.error();
    // Also before a store is made in the wrong place.
    if (::access(auth::ca_certificate_file(*directory).c_str(), F_OK) != 0 && ::access((*directory + "/ca.db").c_str(), F_OK) != 0)
        return no_ca(state, *directory, errno);
    return auth::ca_store::open(*directory);
}

launcher::outcome<open_ca> open_ca_of(const usual_state& state) {
    auto store = open_store_of(state);
    if (!store) return store.error();
    const std::string directory = state.directory + "/ca";
    if (::access(auth::ca_certificate_file(directory).c_str(), F_OK) != 0) return no_ca(state, directory, errno);
    auto authority = auth::load_authority(directory);
    if (!authority) return authority.error();
    return open_ca{std::move(*store), std::move(*authority)};
}

int complain_as(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

std::string utc_of(std::int64_t seconds) {
    return utc_time(std::chrono::system_clock::time_point(std::chrono::seconds(seconds)));
}

std::string join(const std::vector<std::string>& texts, const char* between) {
    std::string out;
    for (const auto& text : texts) out += (out.empty() ? "" : between) + text;
    return out;
}

launcher::outcome<std::chrono::seconds> parse_life(const std::string& text, std::chrono::seconds least,
                                                   std::chrono::seconds most) {
    const auto time = parse_duration(text);
    if (!time) return time.error();
    if (*time < least || *time > most)
        return "the time must be between " + format_duration(least) + " and " + format_duration(most) + ", not " + text;
    return std::chrono::duration_cast<std::chrono::seconds>(*time);
}

launcher::outcome<void> check_names(const std::string& user, std::vector<std::string>& groups) {
    constexpr std::size_t most = 64;
    if (const auto why = auth::certificate_name_fault(user); !why.empty()) return "the user's name " + why;
    std::vector<std::string> once;
    for (const auto& group : groups) {
        if (const auto why = auth::certificate_name_fault(group); !why.empty()) return "a group's name " + why;
        if (std::find(once.begin(), once.end(), group) == once.end()) once.push_back(group);
    }
    if (once.size() > most) return std::string("nobody can be in more than 64 groups");
    groups = std::move(once);
    return {};
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], characters(row[i]));
    }
    std::string out;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            out += row[i];
            if (i + 1 < row.size()) out += std::string(widths[i] - characters(row[i]) + 2, ' ');
        }
        out += '\n';
    }
    return out;
}

}  // namespace gateway
