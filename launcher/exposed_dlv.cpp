#include "launcher/exposed_dlv.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "launcher/live_process.h"

namespace launcher {
namespace {

namespace fs = std::filesystem;

template <class Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
    Number value{};
    const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (ec != std::errc() || stop != text.data() + text.size()) return std::nullopt;
    return value;
}

// The kernel prints an address as 32-bit words of the machine's own byte order.
std::optional<tcp_listener> address_of(std::string_view hex) {
    tcp_listener out;
    std::array<std::uint32_t, 4> words{};
    if (hex.size() != 8 && hex.size() != 32) return std::nullopt;
    for (std::size_t i = 0; i < hex.size() / 8; ++i) {
        const auto word = number_of<std::uint32_t>(hex.substr(i * 8, 8), 16);
        if (!word) return std::nullopt;
        words[i] = *word;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (hex.size() == 8) {
        out.loopback = (ntohl(words[0]) >> 24) == 127;
        if (!::inet_ntop(AF_INET, words.data(), text.data(), text.size())) return std::nullopt;
    } else {
        in6_addr v6{};
        std::memcpy(&v6, words.data(), sizeof v6);
        out.loopback = IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
        if (!::inet_ntop(AF_INET6, &v6, text.data(), text.size())) return std::nullopt;
    }
    out.address = text.data();
    return out;
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// The inodes of its sockets; none when they may not be seen.
std::optional<std::set<std::uint64_t>> sockets_of(pid_t pid, const std::string& proc) {
    std::error_code ec;
    fs::directory_iterator at(proc + "/" + std::to_string(pid) + "/fd", ec), end;
    if (ec) return std::nullopt;
    std::set<std::uint64_t> out;
    for (; !ec && at != end; at.increment(ec)) {
        std::error_code gone;
        const std::string link = fs::read_symlink(at->path(), gone).string();
        constexpr std::string_view prefix = "socket:[";
        if (!link.starts_with(prefix) || !link.ends_with("]")) continue;
        if (const auto inode = number_of<std::uint64_t>(std::string_view(link).substr(prefix.size(), link.size() - prefix.size() - 1)))
            out.insert(*inode);
    }
    return out;
}

bool loopback_host(std::string_view host) {
    return host == "localhost" || host.starts_with("127.") || host == "[::1]" || host == "::1";
}

}  // namespace

std::string to_string(const tcp_listener& listener) {
    const bool v6 = listener.address.find(':') != std::string::npos;
    return (v6 ? "[" + listener.address + "]" : listener.address) + ":" + std::to_string(listener.port);
}

std::vector<tcp_listener> read_tcp_listeners(std::string_view table) {
    // Rows "sl local remote st tx:rx tr:when retrnsmt uid timeout inode …".
    std::vector<tcp_listener> out;
    std::istringstream lines{std::string(table)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream row(line);
        std::array<std::string, 10> words;
        for (auto& word : words) row >> word;
        constexpr std::string_view listening = "0A";
        const auto colon = words[1].find(':');
        if (!row || words[3] != listening || colon == std::string::npos) continue;
        auto one = address_of(std::string_view(words[1]).substr(0, colon));
        const auto port = number_of<std::uint16_t>(std::string_view(words[1]).substr(colon + 1), 16);
        const auto inode = number_of<std::uint64_t>(words[9]);
        if (!one || !port || !inode) continue;
        one->port = *port;
        one->inode = *inode;
        out.push_back(std::move(*one));
    }
    return out;
}

bool is_headless_dlv(const std::string& executable, const std::vector<std::string>& argv) {
    const auto has = [&](std::string_view word) { return std::find(argv.begin(), argv.end(), word) != argv.end(); };
    const auto name = fs::path(executable.empty() && !argv.empty() ? argv.front() : executable).filename().string();
    if (name == "dlv" || name == "dlv.exe") return has("--headless") || has("--headless=true") || has("dap");
    if (!has("--headless") && !has("--headless=true")) return false;
    // Browsers have that word, too.
    constexpr std::array<std::string_view, 6> subcommands{"exec", "attach", "debug", "test", "core", "replay"};
    return argv.size() > 1 && std::any_of(subcommands.begin(), subcommands.end(), has);
}

std::string exposed_by_words(const std::vector<std::string>& argv) {
    std::string listen;
    for (std::size_t i = 1; i < argv.size() && argv[i] != "--"; ++i) {
        for (const std::string_view option : {"--listen", "-l"}) {
            if (argv[i] == option && i + 1 < argv.size()) listen = argv[i + 1];
            if (argv[i].starts_with(std::string(option) + "=")) listen = argv[i].substr(option.size() + 1);
        }
    }
    if (listen.empty() || listen.starts_with("unix:")) return {};
    const auto colon = listen.rfind(':');
    if (colon == std::string::npos || loopback_host(std::string_view(listen).substr(0, colon))) return {};
    return listen;
}

dlv_survey find_dlv_listeners(const std::string& proc) {
    dlv_survey out;
    for (const auto& one : find_processes("", proc)) {
        if (!is_headless_dlv(one.executable, one.argv)) continue;
        ++out.dlvs;
        exposed_dlv found{one.pid, one.uid, one.executable.empty() ? one.argv.front() : one.executable, {}, false};
        if (const auto mine = sockets_of(one.pid, proc)) {
            const std::string net = proc + "/" + std::to_string(one.pid) + "/net/";
            for (const char* table : {"tcp", "tcp6"})
                for (const auto& listener : read_tcp_listeners(text_of(net + table)))
                    if (!listener.loopback && mine->contains(listener.inode)) found.addresses.push_back(to_string(listener));
        } else {
            out.some_hidden = true;
            found.by_words = true;
            if (auto words = exposed_by_words(one.argv); !words.empty()) found.addresses.push_back(std::move(words));
        }
        if (!found.addresses.empty()) out.exposed.push_back(std::move(found));
    }
    return out;
}

}  // namespace launcher
