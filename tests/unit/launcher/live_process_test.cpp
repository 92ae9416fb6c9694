#include "launcher/live_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "tests/unit/launcher/scratch_directory.h"

namespace launcher {
namespace {

using namespace std::string_literals;

struct fake {
    int pid;
    std::string cmdline;
    std::string uid = "0";
    std::string ns_pid = "10";
    std::string exe = "/usr/bin/kubelet";
    char state = 'S';
    std::string start = "4711";
    std::string real_uid = "";  // empty: all four are `uid`
};

class live_process_fake : public ::testing::Test {
protected:
    void put(const fake& f) {
        const auto directory = std::to_string(f.pid) + "/";
        proc_.write(directory + "stat", std::to_string(f.pid) + " (a) b(c) " + f.state +
                                            " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 " + f.start + " 20 21\n");
        proc_.write(directory + "cmdline", f.cmdline);
        proc_.write(directory + "environ", "A=1\0B=x=y\0EMPTY=\0"s);
        proc_.write(directory + "cgroup", "0::/kubepods.slice/x\n");
        proc_.write(directory + "status", "Name:\tx\nUid:\t" + (f.real_uid.empty() ? f.uid : f.real_uid) + "\t" + f.uid + "\t" + f.uid +
                                              "\t" + f.uid + "\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \nNSpid:\t" +
                                              f.ns_pid + "\n");
        std::error_code ignored;
        std::filesystem::remove(proc_ / (directory + "exe"), ignored);
        std::filesystem::create_symlink(f.exe, proc_ / (directory + "exe"));
        std::filesystem::remove(proc_ / (directory + "cwd"), ignored);
        std::filesystem::create_symlink("/somewhere", proc_ / (directory + "cwd"));
    }
    const scratch_directory proc_;
};

TEST_F(live_process_fake, is_read_whole) {
    put({12, "/usr/bin/kubelet\0--a=b\0\0"s, "2", "12\t1"});
    const auto found = find_processes("kubelet", proc_.path());
    ASSERT_EQ(found.size(), 1u);
    const auto& p = found[0];
    EXPECT_EQ(p.pid, 12);
    EXPECT_EQ(p.start_time, 4711u);
    EXPECT_EQ(p.argv, (std::vector<std::string>{"/usr/bin/kubelet", "--a=b", ""}));
    EXPECT_EQ(p.environment.size(), 3u);
    EXPECT_EQ(p.environment[1], (std::pair<std::string, std::string>("B", "x=y")));
    EXPECT_EQ(p.working_directory, "/somewhere");
    EXPECT_EQ(p.uid, 2u);
    EXPECT_EQ(p.gid, 6u);
    EXPECT_EQ(p.groups, (std::vector<gid_t>{9, 10}));
    EXPECT_EQ(p.cgroup, "0::/kubepods.slice/x\n");
    EXPECT_TRUE(p.in_container);
}

TEST_F(live_process_fake, is_found_by_name_or_executable_and_not_when_it_is_gone) {
    put({12, "kube-scheduler\0"s, "0", "12", "/image/kube-scheduler (deleted)"});
    put({3, "/x/wrapped\0"s, "0", "3", "/image/kube-scheduler"});
    put({4, "kube-scheduler2\0"s, "0", "4", "/x"});
    put({5, "kube-scheduler\0"s, "0", "5", "/x", 'Z'});
    proc_.write("self/stat", "");
    proc_.write("6x/stat", "");
    std::vector<pid_t> pids;
    for (const auto& p : find_processes("kube-scheduler", proc_.path())) pids.push_back(p.pid);
    EXPECT_EQ(pids, (std::vector<pid_t>{3, 12}));
    EXPECT_EQ(find_processes("kube-scheduler", proc_.path())[1].executable, "/image/kube-scheduler");
    EXPECT_TRUE(find_processes("kube-scheduler", proc_ / "none").empty());
}

TEST_F(live_process_fake, still_runs_while_pid_and_start_time_are_its) {
    put({12, "kubelet\0"s});
    const auto p = find_processes("kubelet", proc_.path()).at(0);
    EXPECT_TRUE(still_runs(p, proc_.path()));
    put({12, "kubelet\0"s, "0", "10", "/usr/bin/kubelet", 'Z'});
    EXPECT_FALSE(still_runs(p, proc_.path()));
    put({12, "kubelet\0"s, "0", "10", "/usr/bin/kubelet", 'S', "4712"});
    EXPECT_FALSE(still_runs(p, proc_.path()));
    std::filesystem::remove_all(proc_ / "12");
    EXPECT_FALSE(still_runs(p, proc_.path()));
}

TEST_F(live_process_fake, the_kubelet_is_root_s_and_in_our_namespace) {
    EXPECT_NE(find_kubelet(proc_.path()).error().find("no kubelet runs on this node"), std::string::npos);
    put({20, "/usr/bin/kubelet\0--x\0"s, "1000"});
    put({21, "/usr/bin/kubelet\0--y\0"s, "0", "21\t7"});  // in a kind node
    put({22, "/usr/bin/kubelet\0--z\0"s});
    put({24, "kubelet\0--mine\0"s, "0", "24", "/usr/bin/su"});                           // a name that anybody may choose
    put({25, "kubelet\0--mine\0"s, "0", "25", "/usr/bin/kubelet", 'S', "4711", "1000"});  // somebody's set-uid program
    ASSERT_TRUE(find_kubelet(proc_.path()));
    EXPECT_EQ(find_kubelet(proc_.path())->pid, 22);
    put({23, "kubelet\0"s});
    EXPECT_NE(find_kubelet(proc_.path()).error().find("2 kubelets on this node (pids 22 and 23)"), std::string::npos);
}

TEST(live_process, is_found_in_the_real_proc) {
    char name[] = "/delvegate/test/stand-in", argument[] = "1000";
    char* argv[] = {name, argument, nullptr};
    char variable[] = "DELVEGATE_TEST=yes";
    char* environment[] = {variable, nullptr};
    pid_t pid = 0;
    ASSERT_EQ(::posix_spawn(&pid, "/bin/sleep", nullptr, nullptr, argv, environment), 0);
    // Until the child has called exec, it shows its parent's command line.
    std::vector<live_process> found;
    while ((found = find_processes("stand-in")).empty() && ::waitpid(pid, nullptr, WNOHANG) == 0) ::usleep(1000);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].pid, pid);
    EXPECT_EQ(found[0].argv, (std::vector<std::string>{name, argument}));
    EXPECT_EQ(found[0].environment, (std::vector<std::pair<std::string, std::string>>{{"DELVEGATE_TEST", "yes"}}));
    EXPECT_EQ(found[0].uid, ::geteuid());
    EXPECT_FALSE(found[0].in_container);
    EXPECT_TRUE(still_runs(found[0]));
    ::kill(pid, SIGKILL);
    while (still_runs(found[0])) ::usleep(1000);  // a zombie from then on
    EXPECT_TRUE(find_processes("stand-in").empty());
    ::waitpid(pid, nullptr, 0);
}

}  // namespace
}  // namespace launcher
