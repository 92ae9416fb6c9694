// What Linux and macOS call by other names: the laptop's commands are written against this. The macOS halves follow
// Apple's manual pages and were never compiled; docs/macos.md says so.
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <ctime>
#include <string>
#include <vector>

namespace gateway {

// For send(): a peer that has gone is an error, and no signal. Where there is no such flag, the socket is told.
#ifdef MSG_NOSIGNAL
inline constexpr int send_flags = MSG_NOSIGNAL;
#else
inline constexpr int send_flags = 0;
#endif
// Once for each socket that is sent to with send_flags.
void prepare_for_sending(int socket);

// accept(), closed on exec, and prepared for sending. -1: errno.
int accept_one(int listener, sockaddr* peer, socklen_t* size);

// The seconds after which TCP asks a silent peer, and between two of `count` questions.
void keep_alive(int socket, int idle, int interval, int count);

inline timespec modified_at(const struct stat& info) {
#ifdef __APPLE__
    return info.st_mtimespec;
#else
    return info.st_mtim;
#endif
}

// rename(), in one step, of what is not to replace anything (EEXIST), and of two that change places. -1: errno.
int rename_to_new(const std::string& from, const std::string& to);
int rename_exchanging(const std::string& from, const std::string& to);

// This very program, by its whole name; empty: nobody knows.
std::string own_executable();

// Starts a program in a session of its own, with `words` behind its name: standard input is /dev/null, `out` and `err` are the
// others, `kept` is its descriptor 3, and it inherits nothing else. 0, or what errno would be.
int start_detached(const std::string& program, const std::vector<std::string>& words, int out, int err, int kept, pid_t& pid);

}  // namespace gateway
