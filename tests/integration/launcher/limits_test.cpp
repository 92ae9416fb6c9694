// The memory limit, the output's cap, and another user.
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fixture.h"

namespace launcher_test {
namespace {

namespace fs = std::filesystem;
using launcher::dlv_process;

using limits = with_either;
INSTANTIATE_TEST_SUITE_P(dlv, limits, testing::Bool(), name_of_dlv);

TEST_P(limits, of_memory_end_a_greedy_program) {
    auto wanted = spec(tools(), {"hog"});
    wanted.memory_limit = 256ull << 20;
    auto dlv = dlv_process::start(wanted);
    ASSERT_TRUE(dlv) << dlv.error();
    if (dlv->memory_limit().find("together") == std::string::npos) {
        // No cgroup is to be had here: the next test is the one that applies, and dlv must not be
        // limited for what the program uses.
        EXPECT_EQ(dlv->memory_limit(), "256 MiB for dlv alone");
        ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));
        return;
    }
    ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));
    const auto debuggee = debuggee_of(*dlv);
    ASSERT_NO_FATAL_FAILURE(send_continue(dlv->address()));
    const auto exit = await_exit(*dlv);
    EXPECT_TRUE(exit.over_memory);
    EXPECT_FALSE(exit.asked);
    EXPECT_NE(exit.reason.find("used more than 256 MiB"), std::string::npos) << exit.reason;
    EXPECT_TRUE(is_gone(debuggee));
    EXPECT_TRUE(is_gone(dlv->dlv_pid()));
    expect_no_traces();
}

TEST_P(limits, of_memory_watch_dlv_where_there_is_no_cgroup) {
    // nobody may not make one.
    auto wanted = spec(tools());
    wanted.memory_limit = 8ull << 20;
    wanted.dlv = directory_ + "/dlv";
    fs::copy_file(tools().dlv, wanted.dlv);
    wanted.binary = directory_ + "/family";
    fs::copy_file(family(tools()), wanted.binary);
    if (::geteuid() == 0) {
        fs::permissions(directory_, fs::perms(0755));
        const auto* nobody = ::getpwnam("nobody");
        ASSERT_NE(nobody, nullptr);
        ASSERT_EQ(::chown((directory_ + "/run").c_str(), nobody->pw_uid, nobody->pw_gid), 0);
        wanted.output_file = directory_ + "/run/output.log";
    }
    const auto words = in_child([&](int fd) {
        if (::geteuid() == 0) {
            const auto* nobody = ::getpwnam("nobody");
            if (::setgid(nobody->pw_gid) != 0 || ::setuid(nobody->pw_uid) != 0)
                throw std::runtime_error("cannot become nobody");
        }
        auto dlv = dlv_process::start(wanted);
        if (!dlv) throw std::runtime_error(dlv.error());
        const auto limit = dlv->memory_limit();
        const auto exit = await_exit(*dlv);
        ::dprintf(fd, "%s|%d|%s", limit.c_str(), exit.over_memory, exit.reason.c_str());
    });
    EXPECT_TRUE(words.starts_with("8 MiB for dlv alone|1|")) << words;
    EXPECT_NE(words.find("used more than 8 MiB"), std::string::npos) << words;
}

TEST_P(limits, can_be_left_out) {
    auto wanted = spec(tools());
    wanted.memory_limit = 0;
    auto dlv = dlv_process::start(wanted);
    ASSERT_TRUE(dlv) << dlv.error();
    EXPECT_EQ(dlv->memory_limit(), "none");
    ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));
}

TEST_P(limits, of_output_cut_the_file) {
    const auto wanted = spec(tools());
    // Sparse: as if an endless program had written it.
    std::ofstream(wanted.output_file) << "old\n";
    fs::resize_file(wanted.output_file, dlv_process::output_cap + 1);
    auto dlv = dlv_process::start(wanted);
    ASSERT_TRUE(dlv) << dlv.error();
    ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));
    EXPECT_TRUE(eventually([&] { return fs::file_size(wanted.output_file) < 4096; }));
    EXPECT_TRUE(eventually([&] {
        return text_of(wanted.output_file).find("what came before was dropped") !=
               std::string::npos;
    }));
    ASSERT_NO_FATAL_FAILURE(send_continue(dlv->address()));
    EXPECT_TRUE(eventually(
        [&] { return text_of(wanted.output_file).find("work 1 3\n") != std::string::npos; }));
}

class another_user : public with_either {
protected:
    launcher::exec_spec spec_of_nobody() {
        // Where nobody can read them; the runtime directory stays ours alone.
        fs::permissions(directory_, fs::perms(0755));
        auto wanted = spec(tools());
        wanted.dlv = directory_ + "/dlv";
        fs::copy_file(tools().dlv, wanted.dlv);
        wanted.binary = directory_ + "/family";
        fs::copy_file(family(tools()), wanted.binary);
        wanted.user = ::geteuid() == 0 ? "nobody" : "root";
        wanted.working_directory = "/";
        return wanted;
    }
};
INSTANTIATE_TEST_SUITE_P(dlv, another_user, testing::Bool(), name_of_dlv);

TEST_P(another_user, runs_dlv_and_program_or_is_refused) {
    const auto wanted = spec_of_nobody();
    auto dlv = dlv_process::start(wanted);
    if (::geteuid() != 0) {
        ASSERT_FALSE(dlv);
        EXPECT_NE(dlv.error().find("only root"), std::string::npos) << dlv.error();
        return;
    }
    if (!GetParam()) {
        ASSERT_FALSE(dlv);
        EXPECT_NE(dlv.error().find("install dlv 1.22.1 or later"), std::string::npos)
            << dlv.error();
        return;
    }
    ASSERT_TRUE(dlv) << dlv.error();
    ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));
    const auto* nobody = ::getpwnam("nobody");
    ASSERT_NE(nobody, nullptr);
    const auto id = std::to_string(nobody->pw_uid);
    const auto group = std::to_string(nobody->pw_gid);
    const auto debuggee = debuggee_of(*dlv);
    for (const pid_t pid : {dlv->dlv_pid(), debuggee}) {
        const auto status = text_of(proc(pid, "status"));
        EXPECT_NE(status.find("Uid:\t" + id + "\t" + id + "\t" + id + "\t" + id), std::string::npos)
            << status;
        EXPECT_NE(status.find("Gid:\t" + group + "\t" + group + "\t" + group + "\t" + group),
                  std::string::npos)
            << status;
        EXPECT_NE(status.find("CapEff:\t0000000000000000"), std::string::npos) << status;
        EXPECT_NE(status.find("Groups:\t" + group + " \n"), std::string::npos) << status;
    }
    EXPECT_NE(text_of(proc(debuggee, "environ")).find("USER=nobody"), std::string::npos);
    EXPECT_EQ(link_of(proc(debuggee, "cwd")), "/");
    struct stat info {};
    ASSERT_EQ(::stat(wanted.output_file.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, nobody->pw_uid);
    EXPECT_EQ(info.st_mode & 0777u, 0600u);
    dlv->terminate();
    EXPECT_EQ(await_exit(*dlv).code, 0);
    EXPECT_TRUE(is_gone(debuggee));
    expect_no_traces();
}

TEST_P(another_user, ends_with_its_dlv) {
    auto dlv = dlv_process::start(spec_of_nobody());
    if (::geteuid() != 0 || !GetParam()) {
        EXPECT_FALSE(dlv);
        return;
    }
    ASSERT_TRUE(dlv) << dlv.error();
    ASSERT_NO_FATAL_FAILURE(await_ready(*dlv));
    const auto debuggee = debuggee_of(*dlv);
    launcher::process_stat stat;
    ASSERT_TRUE(launcher::read_stat(dlv->dlv_pid(), stat));
    // The parent-death signal must have survived the change of identity.
    ::kill(stat.parent, SIGKILL);
    await_exit(*dlv);
    EXPECT_TRUE(eventually([&] {
        launcher::process_stat now;
        return !launcher::read_stat(dlv->dlv_pid(), now) || now.state == 'Z';
    }));
    EXPECT_TRUE(eventually([&] {
        launcher::process_stat now;
        return !launcher::read_stat(debuggee, now) || now.state == 'Z';
    }));
    expect_no_traces();
}

}  // namespace
}  // namespace launcher_test
