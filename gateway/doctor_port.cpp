// Whether a port can be had, and who has it.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include "gateway/doctor.h"
#include "launcher/fd.h"
#include "launcher/listeners.h"

namespace gateway {
namespace {

constexpr std::string_view mapped = "::ffff:";

// As texts; IPv4 as such also where it is written as IPv6. A name may stand for several.
std::set<std::string> addresses_of(const std::string& host) {
    std::set<std::string> out;
    addrinfo wanted{};
    wanted.ai_flags = AI_PASSIVE;
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.empty() ? nullptr : host.c_str(), "0", &wanted, &found) != 0) return out;
    for (const auto* one = found; one; one = one->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0) out.emplace(text.data());
    }
    ::freeaddrinfo(found);
    return out;
}

std::string plain(const std::string& address) {
    return address.starts_with(mapped) && address.find('.') != address.npos ? address.substr(mapped.size()) : address;
}

bool is_v6(const std::string& address) { return address.find(':') != address.npos; }

// What listens at all addresses of IPv6 has those of IPv4, too, or not: only the kernel knows.
bool can_bind(const std::string& address, std::uint16_t port) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    const launcher::unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    return fd && ::inet_pton(AF_INET, address.c_str(), &where.sin_addr) == 1 &&
           ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
}

bool in_the_way(const std::string& theirs, const std::string& ours, std::uint16_t port) {
    if (theirs == ours) return true;
    if (theirs == "::" && !is_v6(ours)) return !can_bind(ours, port);
    if (theirs == "::" || ours == "::") return true;
    return (theirs == "0.0.0.0" || ours == "0.0.0.0") && !is_v6(theirs) && !is_v6(ours);
}

}  // namespace

std::vector<launcher::tcp_listener> listening_here() {
    std::vector<launcher::tcp_listener> out;
    for (const char* table : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
        std::ifstream file(table);
        std::ostringstream text;
        text << file.rdbuf();
        for (auto& one : launcher::read_tcp_listeners(text.str())) out.push_back(std::move(one));
    }
    return out;
}

diagnosis judge_port(const host_port& where, const std::vector<launcher::tcp_listener>& listeners, const port_owner& own) {
    diagnosis out{"port " + std::to_string(where.port), verdict::ok, {}, {}};
    const auto ours = addresses_of(where.host);
    std::vector<launcher::listening_socket> sockets;
    for (const auto& one : listeners) {
        const auto meets = [&](const std::string& address) { return in_the_way(plain(one.address), plain(address), where.port); };
        if (one.port == where.port && (ours.empty() || std::any_of(ours.begin(), ours.end(), meets))) sockets.push_back({one.inode, {}});
    }
    if (sockets.empty()) {
        out.text = own.answers ? "the gateway answers, but nothing listens at " + to_string(where) + " in this network namespace"
                               : to_string(where) + " is free";
        if (own.answers) out.how = verdict::warn, out.mend = "look at `listen` in gateway.yaml, and restart the gateway";
        return out;
    }
    const auto is_own = [&](const launcher::holder& one) {
        if (!own.connect_of) return own.answers && one.pid == own.gateway;
        const std::string name = one.argv.empty() ? std::string() : one.argv.front();
        return one.uid == *own.connect_of && name.substr(name.rfind('/') + 1) == "delvegate";
    };
    const auto who = launcher::who_holds(sockets);
    const auto held_by = [](const launcher::holder& one) {
        return "held by " + (one.argv.empty() ? "a process" : one.argv.front()) + " (pid " + std::to_string(one.pid) + ", uid " + std::to_string(one.uid) + ")";
    };
    for (const auto& socket : sockets) {
        // One socket may be in several hands: systemd keeps those that it has given to the gateway.
        const launcher::holder *own_one = nullptr, *other = nullptr;
        for (const auto& one : who.found) {
            if (one.inode != socket.inode) continue;
            if (is_own(one)) own_one = &one;
            if (!other || other->pid == 1) other = &one;
        }
        if (own_one) {
            if (out.text.empty()) out.text = held_by(*own_one);
        } else if (other && other->pid == 1) {
            out.how = verdict::warn;
            out.text = held_by(*other) + ", for a socket unit";
            out.mend = "systemctl list-sockets; end that unit if it is not the gateway's";
        } else if (other) {
            out.how = verdict::fail;
            out.text = held_by(*other);
            out.mend = "end it, or give the gateway another port (`listen` in gateway.yaml)";
            return out;
        }
    }
    if (out.text.empty()) {
        out.how = own.answers ? verdict::ok : verdict::warn;
        out.text = own.answers ? "somebody listens, and the gateway answers" : "somebody listens there whom this user may not see";
        if (!own.answers) out.mend = "run it as root, or: ss -ltnp 'sport = :" + std::to_string(where.port) + "'";
    }
    return out;
}

}  // namespace gateway
