// dlv comes up, answers, keeps what it must to itself, and goes when asked.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fixture.h"
#include "launcher/fd.h"

namespace launcher_test {
namespace {

namespace fs = std::filesystem;
using launcher::dlv_process;

using life = with_either;
INSTANTIATE_TEST_SUITE_P(dlv, life, testing::Bool(), name_of_dlv);

TEST_P(life, announces_answers_and_ends_when_asked) {
    auto dlv = dlv_process::start(spec(tools()));
    ASSERT_TRUE(dlv) << dlv.error();
    ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));
    const auto& address = dlv->address();
    if (tools().is_new) {
        EXPECT_EQ(address.how, launcher::dlv_address::kind::unix_socket);
        struct stat info {};
        ASSERT_EQ(::stat(fs::path(address.path).parent_path().c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777u, 0700u);
    } else {
        EXPECT_EQ(address.how, launcher::dlv_address::kind::tcp);
        EXPECT_TRUE(address.host == "127.0.0.1" || address.host == "::1") << address.host;
    }
    EXPECT_NE(ask(address, "GetVersion").find("DelveVersion"), std::string::npos);
    const auto debuggee = debuggee_of(*dlv);
    EXPECT_EQ(children_of(dlv->dlv_pid()), std::vector<pid_t>{debuggee})
        << "no telemetry sidecar either";

    dlv->terminate();
    const auto exit = await_exit(*dlv);
    EXPECT_TRUE(exit.asked);
    EXPECT_EQ(exit.signal, 0);
    EXPECT_EQ(exit.code, 0);
    EXPECT_NE(exit.reason.find("ended as asked"), std::string::npos) << exit.reason;
    EXPECT_TRUE(is_gone(dlv->dlv_pid()));
    EXPECT_TRUE(is_gone(debuggee));
    EXPECT_TRUE(children_of(::getpid()).empty()) << "a supervisor is left";
    expect_no_traces();
}

TEST_P(life, is_passed_on_by_a_move) {
    auto started = dlv_process::start(spec(tools()));
    ASSERT_TRUE(started) << started.error();
    auto dlv = std::move(*started);
    ASSERT_NO_FATAL_FAILURE(await_ready(dlv));
    const auto pid = dlv.dlv_pid();
    auto other = dlv_process::start(spec(tools()));
    ASSERT_TRUE(other) << other.error();
    dlv = std::move(*other);
    EXPECT_TRUE(is_gone(pid)) << "what was assigned over has ended";
    ASSERT_NO_FATAL_FAILURE(await_ready(dlv));
}

TEST_P(life, leaks_no_descriptor) {
    // Careless on purpose: not close-on-exec.
    const launcher::unique_fd careless(::open("/etc/passwd", O_RDONLY));
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    auto dlv = dlv_process::start(spec(tools()));
    ASSERT_TRUE(dlv) << dlv.error();
    ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));

    const auto debuggee = debuggee_of(*dlv);
    std::vector<std::string> open;
    for (const auto& entry : fs::directory_iterator(proc(debuggee, "fd")))
        open.push_back(entry.path().filename());
    std::sort(open.begin(), open.end());
    EXPECT_EQ(open, (std::vector<std::string>{"0", "1", "2"}));
    EXPECT_EQ(link_of(proc(debuggee, "fd/0")), "/dev/null");
    EXPECT_EQ(link_of(proc(debuggee, "fd/1")), dlv->output_file());
    EXPECT_EQ(link_of(proc(debuggee, "fd/2")), dlv->output_file());

    const auto our_pipe = link_of("/proc/self/fd/" + std::to_string(pipe_ends[1]));
    launcher::process_stat stat;
    ASSERT_TRUE(launcher::read_stat(dlv->dlv_pid(), stat));
    for (const pid_t pid : {dlv->dlv_pid(), stat.parent}) {
        for (const auto& entry : fs::directory_iterator(proc(pid, "fd"))) {
            const auto target = link_of(entry.path());
            EXPECT_NE(target, "/etc/passwd") << pid;
            EXPECT_NE(target, our_pipe) << pid;
        }
    }
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
}

TEST_P(life, gives_the_program_a_clean_start) {
    ::setenv("DELVEGATE_TEST_SECRET", "s3cret", 1);
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t blocked, before;
    sigfillset(&blocked);
    ::sigprocmask(SIG_BLOCK, &blocked, &before);
    auto wanted = spec(tools());
    wanted.env = {{"COLOUR", "blue"}};
    wanted.working_directory = directory_ + "/run";
    auto dlv = dlv_process::start(wanted);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ASSERT_TRUE(dlv) << dlv.error();
    ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));

    const auto debuggee = debuggee_of(*dlv);
    const auto environment = text_of(proc(debuggee, "environ"));
    EXPECT_EQ(environment.find("s3cret"), std::string::npos);
    EXPECT_NE(environment.find("COLOUR=blue"), std::string::npos);
    EXPECT_EQ(link_of(proc(debuggee, "cwd")), directory_ + "/run");
    const auto status = text_of(proc(debuggee, "status"));
    EXPECT_NE(status.find("SigBlk:\t0000000000000000"), std::string::npos) << status;
    EXPECT_NE(status.find("SigIgn:\t0000000000000000"), std::string::npos) << status;
}

TEST_P(life, keeps_what_is_printed) {
    const auto wanted = spec(tools());
    std::ofstream(wanted.output_file) << "of an earlier run\n";
    auto dlv = dlv_process::start(wanted);
    ASSERT_TRUE(dlv) << dlv.error();
    struct stat info {};
    ASSERT_EQ(::stat(wanted.output_file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0600u);
    EXPECT_EQ(dlv->output_start(), 18u);
    auto reader = launcher::output_reader::open(dlv->output_file(), dlv->output_start());
    ASSERT_TRUE(reader) << reader.error();
    ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));
    ASSERT_NO_FATAL_FAILURE(send_continue(dlv->address()));
    std::string seen;
    while (seen.find("work 3 7\n") == std::string::npos) {
        pollfd waiting{reader->event_fd(), POLLIN, 0};
        ASSERT_EQ(::poll(&waiting, 1, 60000), 1) << seen;
        seen += reader->read_new();
    }
    EXPECT_NE(seen.find("API server listening at: "), std::string::npos) << seen;
    dlv->kill_now();
    await_exit(*dlv);
    const auto kept = text_of(wanted.output_file);
    EXPECT_TRUE(kept.starts_with("of an earlier run\n")) << kept;
    EXPECT_NE(kept.find(seen), std::string::npos) << kept;
}

TEST_P(life, ends_when_the_program_is_told_to_end_by_a_client) {
    auto dlv = dlv_process::start(spec(tools()));
    ASSERT_TRUE(dlv) << dlv.error();
    ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));
    ask(dlv->address(), "Detach", R"({"Kill":true})");
    const auto exit = await_exit(*dlv);
    EXPECT_FALSE(exit.asked);
    EXPECT_EQ(exit.code, 0);
    EXPECT_NE(exit.reason.find("ended by itself"), std::string::npos) << exit.reason;
    expect_no_traces();
}

}  // namespace
}  // namespace launcher_test
