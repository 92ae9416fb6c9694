#include "launcher/port_use.h"

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

namespace launcher {

namespace {

std::string table_of(const char* file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace

bool listens_at(std::string_view table, std::uint16_t port) {
    // "  0: 0100007F:2813 00000000:0000 0A …": the local address is the second word, the state the fourth.
    constexpr std::string_view listening = "0A";
    while (!table.empty()) {
        const auto line = table.substr(0, table.find('\n'));
        table.remove_prefix(std::min(table.size(), line.size() + 1));
        std::string_view words[4];
        std::size_t at = 0, count = 0;
        for (; count < 4; ++count) {
            at = line.find_first_not_of(' ', at);
            if (at == line.npos) break;
            const auto end = std::min(line.find(' ', at), line.size());
            words[count] = line.substr(at, end - at);
            at = end;
        }
        if (count < 4 || words[3] != listening) continue;
        const auto colon = words[1].rfind(':');
        unsigned found = 0;
        if (colon == words[1].npos) continue;
        const auto digits = words[1].substr(colon + 1);
        if (std::from_chars(digits.data(), digits.data() + digits.size(), found, 16).ec == std::errc() && found == port)
            return true;
    }
    return false;
}

std::vector<std::uint16_t> ports_in_use(const std::vector<std::uint16_t>& ports) {
    std::vector<std::uint16_t> taken;
    if (ports.empty()) return taken;
    const auto four = table_of("/proc/net/tcp"), six = table_of("/proc/net/tcp6");
    for (const auto port : ports)
        if (listens_at(four, port) || listens_at(six, port)) taken.push_back(port);
    return taken;
}

}  // namespace launcher
