// The settings' way from the launcher to the guard.
#include "launcher/guard.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "launcher/fd.h"
#include "launcher/guard_words.h"
#include "protocol/json.h"

namespace launcher {

namespace {

using protocol::json;

constexpr std::size_t max_packet = 64 * 1024;
constexpr int descriptors = 3;

json encode(const guard_settings& s) {
    json j = json::object{};
    j.set("address", to_string(s.address));
    j.set("ceiling", class_names(s.ceiling));
    j.set("inPath", s.in_path);
    j.set("disturbMs", std::int64_t(std::chrono::milliseconds(s.budget.disturb).count()));
    j.set("damageMs", std::int64_t(std::chrono::milliseconds(s.budget.damage).count()));
    j.set("derivation", s.budget.derivation);
    j.set("dutyMs", std::int64_t(s.duty.count()));
    j.set("gatewaySilenceMs", std::int64_t(s.gateway_silence.count()));
    j.set("mercyMs", std::int64_t(s.mercy.count()));
    j.set("parkLimitMs", std::int64_t(s.park_limit.count()));
    j.set("entryLimitMs", std::int64_t(s.entry_limit.count()));
    j.set("component", s.component);
    j.set("stateFile", s.state_file);
    return j;
}

outcome<guard_settings> decode(std::string_view text) {
    const auto parsed = protocol::parse_json(text);
    if (!parsed) return "the guard's settings are not JSON: " + parsed.error().message();
    guard_settings s;
    auto address = parse_address(parsed->get_string("address"));
    if (!address) return address.error();
    s.address = *address;
    const json* names = parsed->find("ceiling");
    auto ceiling = classes_of(names ? *names : json());
    if (!ceiling) return ceiling.error();
    s.ceiling = *ceiling;
    s.in_path = parsed->get_bool("inPath", true);
    using std::chrono::milliseconds;
    s.budget.disturb = std::chrono::ceil<std::chrono::seconds>(milliseconds(parsed->get_int("disturbMs")));
    s.budget.damage = std::chrono::ceil<std::chrono::seconds>(milliseconds(parsed->get_int("damageMs")));
    s.budget.derivation = parsed->get_string("derivation");
    s.duty = milliseconds(parsed->get_int("dutyMs"));
    s.gateway_silence = milliseconds(parsed->get_int("gatewaySilenceMs"));
    s.mercy = milliseconds(parsed->get_int("mercyMs", s.mercy.count()));
    s.park_limit = milliseconds(parsed->get_int("parkLimitMs"));
    s.entry_limit = milliseconds(parsed->get_int("entryLimitMs", s.entry_limit.count()));
    s.component = parsed->get_string("component");
    s.state_file = parsed->get_string("stateFile");
    if (s.component.empty() || !s.state_file.starts_with('/') || s.duty < milliseconds(0) ||
        s.gateway_silence <= milliseconds(0))
        return std::string("the guard's settings are incomplete: the launcher that sent them is of another version");
    return s;
}

}  // namespace

outcome<void> send_guard_settings(int socket, const guard_settings& settings) {
    std::string text = to_text(encode(settings));
    const std::array<int, descriptors> fds{settings.control_fd, settings.listen_fd, settings.log_fd};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> room{};
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fds);
    std::memcpy(CMSG_DATA(head), fds.data(), sizeof fds);
    if (::sendmsg(socket, &message, MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
        return std::string("cannot send the guard its settings: ") + std::strerror(errno);
    return {};
}

outcome<guard_settings> receive_guard_settings(int socket) {
    std::vector<char> bytes(max_packet);
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * descriptors)> room{};
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    ssize_t n = 0;
    do n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return std::string("the guard got no settings: it is started by `delvegate launcher`, not by hand");
    std::vector<unique_fd> held;
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        const auto count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            held.emplace_back(fd);
        }
    }
    if (held.size() != descriptors || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return std::string("the guard's settings came without their three descriptors");
    auto settings = decode({bytes.data(), static_cast<std::size_t>(n)});
    if (!settings) return settings.error();
    settings->control_fd = held[0].release();
    settings->listen_fd = held[1].release();
    settings->log_fd = held[2].release();
    return settings;
}

}  // namespace launcher
