#include "gateway/completion_people.h"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <ctime>

#include "gateway/ca_files.h"

namespace gateway {
namespace {

constexpr std::chrono::milliseconds patience{500};

}  // namespace

std::set<std::string> people_of_ca(const std::vector<std::string>& state_directories, known_people which) {
    std::set<std::string> found;
    for (const auto& state : state_directories) {
        usual_state where;
        where.directory = state;
        const auto directory = ca_directory_of(where);
        if (!directory || ::access((*directory + "/ca.db").c_str(), R_OK | W_OK) != 0) continue;
        auto store = auth::ca_store::open(*directory, patience);
        if (!store) continue;
        std::set<std::string> revoked;
        for (const auto& one : store->revoked_users()) revoked.insert(one.user);
        if (which == known_people::revoked) {
            found.insert(revoked.begin(), revoked.end());
            continue;
        }
        const auto take = [&](const std::string& user) {
            if (which == known_people::all || !revoked.contains(user)) found.insert(user);
        };
        for (const auto& one : store->issues())
            if (one.how != "gateway") take(one.user);
        const std::int64_t now = std::time(nullptr);
        for (const auto& one : store->tokens())
            if (one.live(now)) take(one.user);
    }
    return found;
}

}  // namespace gateway
