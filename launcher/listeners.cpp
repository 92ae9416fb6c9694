#include "launcher/listeners.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

namespace launcher {

namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\n', begin), text.size());
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
}

// The first `count` words; the last of them goes on to the end of the line.
std::vector<std::string_view> words_of(std::string_view line, std::size_t count) {
    std::vector<std::string_view> words;
    while (words.size() < count) {
        const auto begin = line.find_first_not_of(' ');
        if (begin == std::string_view::npos) break;
        line.remove_prefix(begin);
        const auto end =
            words.size() + 1 == count ? line.size() : std::min(line.find(' '), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
    return words;
}

template <class Number>
bool parse_number(std::string_view text, Number& value) {
    const auto* end = text.data() + text.size();
    const auto [stop, ec] = std::from_chars(text.data(), end, value);
    return ec == std::errc() && stop == end;
}

// The kernel prints an address as 32-bit words of the machine's own byte order.
template <class Address>
std::string kernel_hex(const Address& address) {
    std::array<std::uint32_t, sizeof(Address) / 4> words;
    std::memcpy(words.data(), &address, sizeof address);
    std::string text;
    for (const auto word : words) {
        char digits[9];
        std::snprintf(digits, sizeof digits, "%08X", word);
        text += digits;
    }
    return text;
}

// Rows "sl local remote st tx:rx tr:when retrnsmt uid timeout inode …".
template <class Take>
void for_each_tcp_listener(std::string_view table, std::uint16_t port, Take take) {
    char suffix[6];
    std::snprintf(suffix, sizeof suffix, ":%04X", port);
    for (const auto line : lines_of(table)) {
        const auto words = words_of(line, 11);
        constexpr std::string_view listening = "0A";
        if (words.size() < 10 || words[3] != listening || !words[1].ends_with(suffix)) continue;
        listening_socket socket;
        if (parse_number(words[9], socket.inode))
            take(words[1].substr(0, words[1].size() - std::strlen(suffix)), socket);
    }
}

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<std::string> command_of(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/cmdline");
    std::vector<std::string> argv;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\0', begin), text.size());
        argv.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return argv;
}

uid_t real_uid_of(pid_t pid) {
    uid_t uid = static_cast<uid_t>(-1);
    const auto status = read_file("/proc/" + std::to_string(pid) + "/status");
    for (const auto line : lines_of(status)) {
        if (!line.starts_with("Uid:\t")) continue;
        parse_number(line.substr(5, line.find('\t', 5) - 5), uid);
    }
    return uid;
}

struct close_directory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using directory = std::unique_ptr<DIR, close_directory>;

// The inode of "socket:[123]", or 0.
std::uint64_t socket_inode(const std::string& link) {
    char target[64];
    const auto n = ::readlink(link.c_str(), target, sizeof target);
    constexpr std::string_view prefix = "socket:[";
    std::string_view text(target, n > 0 ? static_cast<std::size_t>(n) : 0);
    std::uint64_t inode = 0;
    if (!text.starts_with(prefix) || !text.ends_with("]")) return 0;
    text.remove_prefix(prefix.size());
    text.remove_suffix(1);
    return parse_number(text, inode) ? inode : 0;
}

}  // namespace

tcp_listeners find_tcp(std::string_view tcp, std::string_view tcp6, const dlv_address& address) {
    tcp_listeners result;
    in_addr v4{};
    const bool is_v4 = ::inet_pton(AF_INET, address.host.c_str(), &v4) == 1;
    in6_addr v6{};
    if (is_v4) {
        v6.s6_addr[10] = v6.s6_addr[11] = 0xff;  // ::ffff:127.0.0.1
        std::memcpy(&v6.s6_addr[12], &v4, sizeof v4);
    } else if (::inet_pton(AF_INET6, address.host.c_str(), &v6) != 1) {
        return result;
    }
    const auto take = [&](const std::string& wanted) {
        return [&result, wanted](std::string_view local, const listening_socket& socket) {
            if (local == wanted)
                result.exact.push_back(socket);
            else if (local.find_first_not_of('0') == std::string_view::npos)
                result.wildcard.push_back(socket);
        };
    };
    if (is_v4) for_each_tcp_listener(tcp, address.port, take(kernel_hex(v4)));
    for_each_tcp_listener(tcp6, address.port, take(kernel_hex(v6)));
    return result;
}

std::vector<listening_socket> find_unix(std::string_view table) {
    std::vector<listening_socket> result;
    for (const auto line : lines_of(table)) {
        // "Num: RefCount Protocol Flags Type St Inode Path"; the flag is __SO_ACCEPTCON.
        const auto words = words_of(line, 8);
        listening_socket socket;
        if (words.size() < 8 || words[3] != "00010000" || words[7].starts_with("@") ||
            !parse_number(words[6], socket.inode))
            continue;
        socket.path = words[7];
        result.push_back(std::move(socket));
    }
    return result;
}

holders who_holds(const std::vector<listening_socket>& sockets) {
    holders result;
    const directory processes(::opendir("/proc"));
    if (!processes) {
        result.some_hidden = true;
        return result;
    }
    while (const dirent* process = ::readdir(processes.get())) {
        pid_t pid = 0;
        if (!parse_number(std::string_view(process->d_name), pid)) continue;
        const auto folder = "/proc/" + std::to_string(pid) + "/fd";
        const directory descriptors(::opendir(folder.c_str()));
        if (!descriptors) {
            result.some_hidden = result.some_hidden || errno == EACCES || errno == EPERM;
            continue;
        }
        while (const dirent* descriptor = ::readdir(descriptors.get())) {
            const auto inode = socket_inode(folder + "/" + descriptor->d_name);
            const auto holds = [inode](const listening_socket& socket) {
                return socket.inode == inode;
            };
            if (inode == 0 || std::none_of(sockets.begin(), sockets.end(), holds)) continue;
            result.found.push_back({pid, real_uid_of(pid), command_of(pid), inode});
        }
    }
    return result;
}

}  // namespace launcher
