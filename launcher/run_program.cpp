#include "launcher/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "launcher/command_line.h"
#include "launcher/fd.h"

namespace launcher {

namespace {

using std::chrono::steady_clock;

struct pipe_ends {
    unique_fd from, to;
};

outcome<pipe_ends> make_pipe(const std::string& program) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe for " + program + ": " + std::strerror(errno);
    pipe_ends made;
    made.from = unique_fd(ends[0]);
    made.to = unique_fd(ends[1]);
    return made;
}

// Until both are at their end. False: too late, or too much.
bool read_both(unique_fd& first, std::string& first_text, unique_fd& second, std::string& second_text,
               const program_options& options, steady_clock::time_point deadline) {
    std::array<char, 16384> chunk;
    while (first || second) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
        std::array<pollfd, 2> waiting{pollfd{first.get(), POLLIN, 0}, pollfd{second.get(), POLLIN, 0}};
        const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(std::max<long long>(0, left)));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        for (std::size_t i = 0; i < 2; ++i) {
            if (waiting[i].revents == 0) continue;
            auto& fd = i == 0 ? first : second;
            auto& text = i == 0 ? first_text : second_text;
            const auto n = ::read(fd.get(), chunk.data(), chunk.size());
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                fd.reset();
                continue;
            }
            text.append(chunk.data(), static_cast<std::size_t>(n));
            if (text.size() > options.limit) return false;
        }
    }
    return true;
}

}  // namespace

outcome<program_result> run_program(const std::vector<std::string>& argv, const program_options& options) {
    const auto& path = argv.front();
    auto input = make_pipe(path), output = make_pipe(path), errors = make_pipe(path);
    if (!input) return input.error();
    if (!output) return output.error();
    if (!errors) return errors.error();

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input->from.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, output->to.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, (options.errors_apart ? errors->to : output->to).get(), 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    const auto environment = options.environment.empty() ? base_environment(user_account{}) : options.environment;
    auto env = c_strings(environment);
    auto words = c_strings(argv);
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, path.c_str(), &actions, &attributes, words.data(), env.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return path + " could not be run: " + std::strerror(error);

    output->to.reset();
    errors->to.reset();
    input->from.reset();
    // At most a pipe's worth, so that it does not block; whoever does not read it loses it.
    if (!options.input.empty()) {
        sigset_t broken, before;
        sigemptyset(&broken);
        sigaddset(&broken, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &broken, &before);
        const auto written = ::write(input->to.get(), options.input.data(), options.input.size());
        timespec at_once{};
        if (written < 0 && errno == EPIPE) ::sigtimedwait(&broken, nullptr, &at_once);
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    input->to.reset();

    program_result result;
    const bool whole = read_both(output->from, result.output, errors->from, result.errors, options,
                                 steady_clock::now() + options.patience);
    if (!whole) ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!whole) {
        if (std::max(result.output.size(), result.errors.size()) > options.limit)
            return path + " said more than " + std::to_string(options.limit >> 20) + " MiB";
        return path + " did not answer within " + std::to_string(options.patience.count() / 1000) + " s";
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

}  // namespace launcher
