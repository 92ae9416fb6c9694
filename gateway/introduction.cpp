#include "gateway/introduction.h"

#include <cstdio>
#include <cstdlib>

namespace gateway {
namespace {

std::string quoted(const std::string& path) {
    if (path.find_first_of(" \t'\"\\$`&;()<>|*?") == std::string::npos) return path;
    std::string out = "'";
    for (const char c : path) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

}  // namespace

void print_introduction(const config& configuration, const own_identities& own, const std::vector<host_port>& listening) {
    if (own.people.empty() || listening.empty()) return;
    const std::string host = host_to_type(listening);
    const std::string& person = own.people.front();
    const std::string& component = configuration.components.front().name;
    const std::string gateway = to_string(host_port{host, listening.front().port});
    if (host == "localhost" || host == "::1" || host.starts_with("127.")) {
        std::printf("To debug from this host (no other one can reach it), type:\n"
                    "  delvegate connect %s --gateway %s --identity %s\n",
                    component.c_str(), gateway.c_str(), quoted(person).c_str());
        return;
    }
    const char* user = std::getenv("USER");
    const std::string scp_host = host.find(':') == std::string::npos ? host : "[" + host + "]";
    const std::string login = (user && *user ? std::string(user) + "@" : "") + scp_host;
    std::printf(
        "On the laptop, once (it holds a private key; keep it to yourself):\n"
        "  scp -r %s:%s delvegate-identity\n"
        "Then type there:\n"
        "  delvegate connect %s --gateway %s --identity delvegate-identity\n",
        login.c_str(), quoted(person).c_str(), component.c_str(), gateway.c_str());
}

}  // namespace gateway
