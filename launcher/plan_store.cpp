#include "launcher/plan_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "launcher/fd.h"
#include "launcher/plan_json.h"
#include "protocol/json.h"
#include "storage/trusted_file.h"

namespace launcher {

namespace {

constexpr std::size_t largest = 16u << 20;

std::string path_of(const std::string& directory, const std::string& session) {
    return directory + "/plans/" + session + ".json";
}

}  // namespace

outcome<void> store_plan(const std::string& state_directory, const std::string& session, const component_plan& plan) {
    const auto path = path_of(state_directory, session), fresh = path + ".new";
    ::mkdir((state_directory + "/plans").c_str(), 0700);
    const auto text = protocol::to_text(to_json(plan, shown::everything));
    const unique_fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    std::size_t done = 0;
    while (fd && done < text.size()) {
        const auto n = ::write(fd.get(), text.data() + done, text.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
    }
    if (!fd || done < text.size() || ::fsync(fd.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0)
        return path + " could not be written: " + std::strerror(errno);
    return {};
}

std::optional<component_plan> stored_plan(const std::string& state_directory, const std::string& session) {
    const auto text = storage::read_root_file(path_of(state_directory, session), largest);
    if (!text) return {};
    const auto value = protocol::parse_json(*text, {.max_depth = 64, .fold_keys = false});
    if (!value) return {};
    auto plan = plan_from_json(*value);
    if (!plan) return {};
    return std::move(*plan);
}

void forget_plan(const std::string& state_directory, const std::string& session) {
    ::unlink(path_of(state_directory, session).c_str());
}

}  // namespace launcher
