// What cannot be started, and the words for it.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fixture.h"

namespace launcher_test {
namespace {

using launcher::dlv_process;

class failing : public with_either {
protected:
    // start() refuses, or dlv ends by itself: either way in words.
    std::string reason(const launcher::exec_spec& wanted) {
        auto dlv = dlv_process::start(wanted);
        if (!dlv) return dlv.error();
        const auto exit = await_exit(*dlv);
        EXPECT_FALSE(exit.asked);
        return exit.reason;
    }
    static void expect_in(const std::string& part, const std::string& words) {
        EXPECT_NE(words.find(part), std::string::npos) << words << "\nlacks: " << part;
        EXPECT_EQ(words.find('\n'), std::string::npos) << words;
    }
    // A program that calls itself dlv 1.27.1 and then does as the test wants.
    std::string pretender(const std::string& script) {
        const auto path = directory_ + "/dlv";
        std::ofstream(path)
            << "#!/bin/sh\nif [ \"$1\" = version ]; then echo 'Version: 1.27.1'; exit; fi\n"
            << script;
        ::chmod(path.c_str(), 0755);
        return path;
    }
};
INSTANTIATE_TEST_SUITE_P(dlv, failing, testing::Bool(), name_of_dlv);

TEST_P(failing, names_a_missing_file) {
    auto wanted = spec(tools());
    wanted.binary = directory_ + "/none";
    expect_in("there is no file " + wanted.binary, reason(wanted));
    expect_no_traces();
}

TEST_P(failing, names_a_file_that_is_no_program) {
    auto wanted = spec(tools());
    wanted.binary = directory_ + "/script";
    std::ofstream(wanted.binary) << "#!/bin/sh\n";
    ::chmod(wanted.binary.c_str(), 0755);
    expect_in("is a script", reason(wanted));
}

TEST_P(failing, names_a_bad_working_directory) {
    auto wanted = spec(tools());
    wanted.working_directory = directory_ + "/none";
    expect_in("there is no directory " + wanted.working_directory, reason(wanted));
}

TEST_P(failing, explains_a_go_that_does_not_fit) {
    auto wanted = spec(tools());
    wanted.binary = family(GetParam() ? old_tools() : new_tools());
    const auto words = reason(wanted);
    expect_in(GetParam() ? "was built with Go 1.1" : "dlv is too old for " + wanted.binary, words);
    expect_no_traces();
}

TEST_P(failing, explains_a_stripped_program_or_warns) {
    auto wanted = spec(tools());
    wanted.binary = family(tools(), build::stripped);
    if (!GetParam()) {
        expect_in("has no debug information", reason(wanted));
        return;
    }
    auto dlv = dlv_process::start(wanted);
    ASSERT_TRUE(dlv) << dlv.error();
    ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));
    const auto warnings = launcher::warnings_in(wanted, text_of(wanted.output_file));
    ASSERT_EQ(warnings.size(), 1u) << text_of(wanted.output_file);
    expect_in("has no debug information", warnings[0]);
}

TEST_P(failing, explains_that_ptrace_is_denied) {
    const auto wanted = spec(tools());
    const auto words = in_child([&](int fd) {
        // As a container's default profile does it.
        sock_filter rules[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const sock_fprog program{static_cast<unsigned short>(std::size(rules)), rules};
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
            throw std::runtime_error("no seccomp filter can be installed");
        ::dprintf(fd, "%s", reason(wanted).c_str());
    });
    expect_in("may not trace " + wanted.binary, words);
    expect_in("SYS_PTRACE", words);
}

TEST_P(failing, names_a_dlv_that_is_none) {
    auto wanted = spec(tools());
    wanted.dlv = "/bin/true";
    expect_in("does not seem to be dlv", reason(wanted));
    wanted.dlv = directory_ + "/dlv";
    expect_in("there is no dlv at " + wanted.dlv, reason(wanted));
    std::ofstream(wanted.dlv) << "x";
    expect_in("not a program this user can execute", reason(wanted));
}

TEST_P(failing, names_a_runtime_directory_that_is_missing_or_too_long) {
    auto wanted = spec(new_tools());
    wanted.runtime_directory = directory_ + "/none";
    expect_in("no directory for dlv's socket", reason(wanted));
    wanted.runtime_directory = directory_ + "/" + std::string(100, 'x');
    std::filesystem::create_directory(wanted.runtime_directory);
    expect_in("107 bytes", reason(wanted));
    EXPECT_TRUE(std::filesystem::is_empty(wanted.runtime_directory));
}

TEST_P(failing, opens_no_output_through_a_link) {
    auto wanted = spec(tools());
    std::filesystem::create_symlink("/etc/passwd", wanted.output_file);
    expect_in("cannot be opened", reason(wanted));
    std::filesystem::remove(wanted.output_file);
    std::filesystem::create_directory(wanted.output_file);
    expect_in("output file", reason(wanted));
}

TEST_P(failing, kills_a_dlv_that_others_can_reach) {
    auto wanted = spec(tools());
    wanted.dlv = pretender("echo 'API server listening at: [::]:2345'\nexec sleep 1000\n");
    auto dlv = dlv_process::start(wanted);
    ASSERT_TRUE(dlv) << dlv.error();
    const auto exit = await_exit(*dlv);
    EXPECT_EQ(exit.signal, SIGKILL);
    EXPECT_FALSE(exit.asked);
    expect_in("listened at [::]:2345", exit.reason);
    EXPECT_TRUE(is_gone(dlv->dlv_pid()));
}

TEST_P(failing, keeps_its_words_when_it_is_asked_to_end_at_that_moment) {
    auto wanted = spec(tools());
    wanted.dlv = pretender(
        "trap 'echo could not launch process: not an executable file >&2; exit 1' TERM\n"
        "echo \"API server listening at: ${5#--listen=unix:}\"\nsleep 1000 & wait\n");
    auto dlv = dlv_process::start(wanted);
    ASSERT_TRUE(dlv) << dlv.error();
    const auto events = await_event(*dlv);
    ASSERT_TRUE(events.announced) << (events.exited ? events.exited->reason : "");
    dlv->terminate();
    const auto exit = await_exit(*dlv);
    EXPECT_TRUE(exit.asked);
    EXPECT_EQ(exit.code, 1);
    expect_in("is not an executable Go program", exit.reason);
}

TEST_P(failing, explains_a_usage_error_that_exits_0) {
    auto wanted = spec(tools());
    wanted.dlv = pretender("echo 'Error: unknown flag: --wd' >&2\nexit 0\n");
    expect_in("does not understand how it was started (unknown flag: --wd)", reason(wanted));
}

}  // namespace
}  // namespace launcher_test
