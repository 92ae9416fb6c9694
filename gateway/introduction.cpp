#include "gateway/introduction.h"

#include <cstdio>
#include <cstdlib>

#include "storage/shell_word.h"

namespace gateway {
namespace {

// What makes an IDE do by itself what was just told.
void print_ide(const std::string& component, const std::string& gateway, const std::string& identity) {
    std::printf("or once, in the folder that the IDE opens, and F5 does it (goland, neovim: likewise):\n"
                "  delvegate ide vscode %s --gateway %s --identity %s\n",
                component.c_str(), gateway.c_str(), identity.c_str());
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
                    component.c_str(), gateway.c_str(), storage::shell_word(person).c_str());
        print_ide(component, gateway, storage::shell_word(person));
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
        login.c_str(), storage::shell_word(person).c_str(), component.c_str(), gateway.c_str());
    print_ide(component, gateway, "delvegate-identity");
}

}  // namespace gateway
