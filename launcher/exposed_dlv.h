// Headless dlvs of this host that others can reach: whoever reaches such a port runs what they like as the debuggee's user.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace launcher {

struct tcp_listener {
    std::string address;  // "0.0.0.0", "::", "192.0.2.7"
    std::uint16_t port = 0;
    bool loopback = false;  // only this host reaches it
    std::uint64_t inode = 0;
};
// "0.0.0.0:2345", "[::]:2345"
std::string to_string(const tcp_listener& listener);

// The listening rows of /proc/net/tcp or /proc/net/tcp6. Pure.
std::vector<tcp_listener> read_tcp_listeners(std::string_view table);

// Whether its program says of itself that it is dlv; unknown where it cannot be read, or says nothing of its making.
enum class own_word { dlv, another, unknown };

// Whether it is a headless dlv: by its words, if it is dlv by its own word or its name; otherwise "--headless" beside one of
// dlv's subcommands counts, and, where its own word is unknown, "dap" beside --listen. Pure.
bool is_headless_dlv(const std::string& executable, const std::vector<std::string>& argv, own_word said);

// Where its --listen says, if that is no loopback address and no Unix socket; else empty. Pure.
std::string exposed_by_words(const std::vector<std::string>& argv);

struct exposed_dlv {
    pid_t pid = 0;
    uid_t uid = 0;
    std::string program;
    std::vector<std::string> addresses;
    bool by_words = false;  // its sockets may not be seen by this user: this is what its command line says
    // What becomes of the program that it debugs when it is ended. An attached one goes on.
    bool ends_program = false;
};
struct dlv_survey {
    std::vector<exposed_dlv> exposed;
    std::size_t dlvs = 0;         // headless ones, all of them
    bool some_hidden = false;     // there were some whose sockets this user may not see
};
// Of every process that this one can see, those of containers in network namespaces of their own too.
dlv_survey find_dlv_listeners(const std::string& proc = "/proc");

}  // namespace launcher
