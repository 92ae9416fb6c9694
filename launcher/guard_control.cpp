#include "launcher/guard_control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "launcher/dlv_address.h"
#include "launcher/fd.h"
#include "launcher/guard_words.h"

namespace launcher {

namespace {

// A status lists the breakpoints that were taken away.
constexpr std::size_t max_answer = 4u << 20;
// Together well within the time that a gateway waits for its connection.
constexpr std::chrono::milliseconds look_patience{1'000}, on_patience{5'000};

// In place: a string could be the value as well.
outcome<protocol::json> refusal(const std::string& why) { return {boost::system::in_place_error, why}; }

outcome<protocol::json> failure(const std::string& path, const std::string& why) {
    return refusal("the guard at " + path + " does not answer: " + why);
}

}  // namespace

outcome<protocol::json> ask_guard(const std::string& path, const protocol::json& request,
                                  std::chrono::milliseconds patience) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (path.empty() || path.size() > max_socket_path) return refusal("the guard's socket path is too long: " + path);
    std::memcpy(to.sun_path, path.data(), path.size());
    const unique_fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        return failure(path, std::strerror(errno));
    const std::string text = to_text(request);
    if (::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return failure(path, std::strerror(errno));

    using clock = std::chrono::steady_clock;
    const auto until = clock::now() + patience;
    std::vector<char> bytes(max_answer);
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now());
        if (left.count() <= 0) return failure(path, "no answer in time");
        pollfd wait{socket.get(), POLLIN, 0};
        if (::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000))) <= 0) continue;
        const auto n = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n <= 0) return failure(path, "it closed the connection");
        auto answer = protocol::parse_json({bytes.data(), static_cast<std::size_t>(n)},
                                           {.max_depth = 512, .fold_keys = false});
        if (!answer) return failure(path, answer.error().message());
        if (!answer->get_bool("ok"))
            return refusal(std::string(answer->get_string("error", "the guard refused without words")));
        return {boost::system::in_place_value, std::move(*answer)};
    }
}

outcome<guard_status> read_guard_status(const protocol::json& answer) {
    if (answer.get_string("state").empty()) return {boost::system::in_place_error, "the guard's answer is no status"};
    return {boost::system::in_place_value, status_from(answer)};
}

void give_breakpoints_back(const std::string& path) {
    const auto verb = [](const char* name) { return protocol::json(protocol::json::object{{"verb", name}}); };
    const auto answer = ask_guard(path, verb("status"), look_patience);
    if (!answer) return;
    const auto now = read_guard_status(*answer);
    if (!now || !now->breakpoints_off || !now->duty_done || now->connections > 0) return;
    static_cast<void>(ask_guard(path, verb("breakpoints_on"), on_patience));
}

}  // namespace launcher
