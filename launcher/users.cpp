#include "launcher/users.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace launcher {

namespace {

// An account without an entry (a container's arbitrary uid) still has a uid; the rest stays empty.
bool look_up(const std::string& name, user_account& account, int& error) {
    std::vector<char> buffer(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    do {
        error = name.empty()
                    ? getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found)
                    : getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
        if (error == ERANGE) buffer.resize(buffer.size() * 2);
    } while (error == ERANGE || error == EINTR);
    if (found == nullptr) return false;
    account.name = entry.pw_name;
    account.home = entry.pw_dir;
    account.shell = entry.pw_shell;
    account.uid = entry.pw_uid;
    account.gid = entry.pw_gid;
    return true;
}

std::vector<gid_t> groups_of(const user_account& account) {
    std::vector<gid_t> groups(64);
    for (;;) {
        int count = static_cast<int>(groups.size());
        const int rc = getgrouplist(account.name.c_str(), account.gid, groups.data(), &count);
        groups.resize(static_cast<std::size_t>(count));
        if (rc >= 0) return groups;
    }
}

}  // namespace

outcome<user_account> resolve_user(const std::string& name) {
    user_account account;
    int error = 0;
    if (name.empty()) {
        look_up(name, account, error);
        account.uid = geteuid();
        account.gid = getegid();
        return account;
    }
    if (!look_up(name, account, error)) {
        if (error != 0) return "user " + name + " could not be looked up: " + std::strerror(error);
        return "there is no user " + name +
               " on this machine: create it, or correct the component's user";
    }
    account.is_caller = account.uid == geteuid();
    if (account.is_caller) return account;
    if (geteuid() != 0)
        return "only root can run a program as user " + name + ": run delvegate as root or as " +
               name + ", or leave the component's user out";
    account.groups = groups_of(account);
    return account;
}

}  // namespace launcher
