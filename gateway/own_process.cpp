#include "gateway/own_process.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "gateway/spawning.h"

namespace gateway {

launcher::outcome<own_process> start_own_process(const std::string& program,
                                                 const std::vector<std::string>& arguments) {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return "cannot make a socket pair: " + std::generic_category().message(errno);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);

    spawning how;
    how.give(ends[1], 3);
    how.give_nothing(0, O_RDONLY);
    how.give_nothing(1, O_WRONLY);
    how.close_from(4);
    std::vector<std::string> words{"delvegate"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    own_process out;
    const int error = how.start(program, std::move(words), out.pid);
    ::close(ends[1]);
    if (error != 0) {
        ::close(ends[0]);
        return "cannot start " + program + ": " + std::generic_category().message(error);
    }
    out.fd = ends[0];
    return out;
}

int end_own_process(own_process& process, bool kill) {
    if (process.fd >= 0) ::close(std::exchange(process.fd, -1));
    const pid_t pid = std::exchange(process.pid, -1);
    if (pid <= 0) return 0;
    if (kill) ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace gateway
