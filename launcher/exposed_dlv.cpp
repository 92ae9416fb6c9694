#include "launcher/exposed_dlv.h"

#include <arpa/inet.h>
#include <fcntl.h>
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

#include "launcher/fd.h"
#include "launcher/go_buildinfo.h"
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

// What dlv's command line says, as its library reads it: an option's last value counts, and nothing behind "--" is dlv's.
struct dlv_words {
    bool headless = false;
    std::string listen;
    std::vector<std::string> plain;  // subcommand and arguments

    bool has(std::string_view word) const { return std::find(plain.begin(), plain.end(), word) != plain.end(); }
};
dlv_words read_words(const std::vector<std::string>& argv) {
    constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "true", "TRUE", "True"};  // strconv.ParseBool
    constexpr std::string_view headless = "--headless", is = "--headless=", listen = "--listen", listen_is = "--listen=";
    dlv_words out;
    for (std::size_t i = 1; i < argv.size() && argv[i] != "--"; ++i) {
        const std::string_view word = argv[i];
        if (word == headless) {
            out.headless = true;
        } else if (word.starts_with(is)) {
            out.headless = std::find(yes.begin(), yes.end(), word.substr(is.size())) != yes.end();
        } else if (word == listen || word == "-l") {
            if (++i < argv.size()) out.listen = argv[i];
        } else if (word.starts_with(listen_is)) {
            out.listen = word.substr(listen_is.size());
        } else if (word.starts_with("-l")) {
            out.listen = word.substr(word.starts_with("-l=") ? 3 : 2);
        } else if (!word.starts_with("-")) {
            out.plain.push_back(argv[i]);
        }
    }
    return out;
}

// By the file that runs, whatever has become of its name. Only of what may be a dlv by its words: a program may be large.
own_word word_of(pid_t pid, const std::string& proc, const dlv_words& words) {
    if (!words.headless && !words.has("dap")) return own_word::unknown;
    const unique_fd fd(::open((proc + "/" + std::to_string(pid) + "/exe").c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    const auto made = fd ? find_module_info(fd.get()) : std::nullopt;
    if (!made) return own_word::unknown;
    // A fork keeps the package's place below its own name.
    return made->module == "github.com/go-delve/delve" || made->path.ends_with("/delve/cmd/dlv") ? own_word::dlv : own_word::another;
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

bool is_headless_dlv(const std::string& executable, const std::vector<std::string>& argv, own_word said) {
    const dlv_words words = read_words(argv);
    const auto name = fs::path(executable.empty() && !argv.empty() ? argv.front() : executable).filename().string();
    if (said == own_word::dlv || name == "dlv" || name == "dlv.exe") return words.headless || words.has("dap");
    // Browsers have that word, too.
    constexpr std::array<std::string_view, 6> subcommands{"exec", "attach", "debug", "test", "core", "replay"};
    if (words.headless) return std::any_of(subcommands.begin(), subcommands.end(), [&](auto one) { return words.has(one); });
    return said == own_word::unknown && words.has("dap") && !words.listen.empty();
}

std::string exposed_by_words(const std::vector<std::string>& argv) {
    const std::string listen = read_words(argv).listen;
    if (listen.empty() || listen.starts_with("unix:")) return {};
    const auto colon = listen.rfind(':');
    if (colon == std::string::npos || loopback_host(std::string_view(listen).substr(0, colon))) return {};
    return listen;
}

dlv_survey find_dlv_listeners(const std::string& proc) {
    dlv_survey out;
    for (const auto& one : find_processes("", proc)) {
        const dlv_words words = read_words(one.argv);
        if (!is_headless_dlv(one.executable, one.argv, word_of(one.pid, proc, words))) continue;
        ++out.dlvs;
        exposed_dlv found{one.pid, one.uid, one.executable.empty() ? one.argv.front() : one.executable, {}, false, false};
        constexpr std::array<std::string_view, 5> starting{"exec", "debug", "test", "dap", "run"};
        found.ends_program = std::any_of(starting.begin(), starting.end(), [&](auto each) { return words.has(each); });
        if (const auto mine = sockets_of(one.pid, proc)) {
            const std::string net = proc + "/" + std::to_string(one.pid) + "/net/";
            for (const char* table : {"tcp", "tcp6"})
                for (const auto& listener : read_tcp_listeners(text_of(net + table)))
                    if (!listener.loopback && mine->contains(listener.inode)) found.addresses.push_back(to_string(listener));
        } else {
            out.some_hidden = true;
            found.by_words = true;
            if (auto said = exposed_by_words(one.argv); !said.empty()) found.addresses.push_back(std::move(said));
        }
        if (!found.addresses.empty()) out.exposed.push_back(std::move(found));
    }
    return out;
}

}  // namespace launcher
