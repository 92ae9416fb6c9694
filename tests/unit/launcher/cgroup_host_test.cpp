// Services without systemd, in real cgroups. Needs root and cgroup v2.
#include "launcher/cgroup_host.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "launcher/process_tree.h"
#include "scratch_directory.h"

namespace launcher {
namespace {

using phase = service_state::phase;
using std::chrono::milliseconds;

std::string bytes_of(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_to(const std::string& file, const std::string& text) { std::ofstream(file) << text; }

template <class Condition>
bool eventually(Condition condition) {
    for (int i = 0; i < 6000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(milliseconds(20));
    }
    return false;
}

std::string proc(pid_t pid, const std::string& name) { return bytes_of("/proc/" + std::to_string(pid) + "/" + name); }

std::string status_line(pid_t pid, const std::string& key) {
    const auto text = proc(pid, "status");
    const auto at = text.find("\n" + key + ":");
    if (at == text.npos) return {};
    auto line = text.substr(at + key.size() + 2, text.find('\n', at + 1) - at - key.size() - 2);
    std::ranges::replace(line, '\t', ' ');
    return line;
}

class cgroup_service : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(::geteuid(), 0u) << "cgroups are root's";
        const auto host = find_cgroups();
        ASSERT_EQ(host.trouble, "");
        roots_ = host;
        const auto name = "/delvegate-test-" + std::to_string(::getpid());
        if (host.memory_v1.empty()) write_to(host.unified + "/cgroup.subtree_control", "+memory");
        for (auto* root : {&roots_.unified, &roots_.memory_v1}) {
            if (root->empty()) continue;
            *root += name;
            ASSERT_EQ(::mkdir(root->c_str(), 0755), 0) << *root;
        }
        service_.unit = "delvegate-debuggee-x.service";
        service_.output_file = scratch_ / "output";
        service_.timeout_stop = milliseconds(300);
    }
    void TearDown() override {
        if (roots_.unified.empty()) return;
        EXPECT_TRUE(again().stop(service_.unit));
        for (const auto& root : {roots_.unified, roots_.memory_v1}) {
            if (root.empty()) continue;
            ::rmdir((root + "/delvegate").c_str());
            EXPECT_EQ(::rmdir(root.c_str()), 0) << root << " is not empty";
        }
    }

    // Another one, as a launcher that has just begun has it.
    cgroup_host again() const { return cgroup_host(scratch_ / "services", roots_); }
    void script(const std::string& text) { service_.argv = {"/bin/sh", "-c", text}; }
    pid_t start() {
        const auto started = host().start(service_);
        EXPECT_TRUE(started) << started.error();
        const auto state = host().state(service_.unit);
        EXPECT_EQ(state->now, phase::running);
        return state->main_pid;
    }
    cgroup_host& host() {
        if (!host_) host_.emplace(scratch_ / "services", roots_);
        return *host_;
    }
    std::string output() const { return bytes_of(service_.output_file); }
    bool wait_for_output(const std::string& text) {
        return eventually([&] { return output().find(text) != std::string::npos; });
    }
    std::string group() const { return roots_.directory() + "/" + service_.unit; }

    scratch_directory scratch_;
    cgroup_roots roots_;
    transient_service service_;
    std::optional<cgroup_host> host_;
};

TEST_F(cgroup_service, starts_is_known_and_stops) {
    script("echo out; echo err >&2; exec sleep 1000");
    const auto pid = start();
    ASSERT_TRUE(wait_for_output("out\nerr\n"));
    EXPECT_EQ(*host().processes(service_.unit), std::vector<pid_t>{pid});
    EXPECT_NE(proc(pid, "cgroup").find("/delvegate/" + service_.unit + "\n"), std::string::npos);
    process_stat stat;
    ASSERT_TRUE(read_stat(pid, stat));
    EXPECT_EQ(stat.session, pid);
    const auto twice = host().start(service_);
    ASSERT_FALSE(twice);
    EXPECT_NE(twice.error().find("runs already"), std::string::npos);
    ASSERT_TRUE(host().forget(service_.unit)) << "of no effect on what runs";
    EXPECT_EQ(host().state(service_.unit)->now, phase::running);
    ASSERT_TRUE(host().stop(service_.unit));
    EXPECT_EQ(host().state(service_.unit)->now, phase::none);
    EXPECT_NE(::access(group().c_str(), F_OK), 0);
    EXPECT_TRUE(host().stop(service_.unit)) << "stopping what does not run is fine";
}

TEST_F(cgroup_service, is_who_it_is_to_be) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const unique_fd read_end(ends[0]);
    unique_fd write_end(ends[1]);
    service_.standard_input = read_end.get();
    service_.uid = 12345;
    service_.gid = 23456;
    service_.groups = {34567, 45678};
    service_.environment = {{"ONE", "1 $HOME"}, {"EMPTY", ""}};
    service_.working_directory = "/usr/lib";
    service_.limit_nofile = 777;
    service_.oom_score_adjust = 123;
    service_.umask = 0027;
    script("read word; echo \"got $word\"; ls -l /proc/self/fd | wc -l; exec sleep 1000");
    const auto pid = start();
    ASSERT_EQ(::write(write_end.get(), "hello\n", 6), 6);
    ASSERT_TRUE(wait_for_output("got hello\n"));
    ASSERT_TRUE(eventually([&] { return proc(pid, "comm") == "sleep\n"; }));
    EXPECT_EQ(status_line(pid, "Uid"), " 12345 12345 12345 12345");
    EXPECT_EQ(status_line(pid, "Gid"), " 23456 23456 23456 23456");
    EXPECT_EQ(status_line(pid, "Groups"), " 34567 45678 ");
    for (const auto* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) EXPECT_EQ(status_line(pid, set), " 0000000000000000") << set;
    for (const auto* set : {"SigBlk", "SigIgn", "SigCgt"}) EXPECT_EQ(status_line(pid, set), " 0000000000000000") << set;
    EXPECT_EQ(status_line(pid, "Umask"), " 0027");
    EXPECT_EQ(proc(pid, "oom_score_adj"), "123\n");
    EXPECT_NE(proc(pid, "limits").find("Max open files            777                  777"), std::string::npos);
    std::vector<std::string> environment;
    std::istringstream variables(proc(pid, "environ"));
    for (std::string each; std::getline(variables, each, '\0');)
        if (!each.starts_with("PWD=") && !each.starts_with("OLDPWD=") && !each.starts_with("_=")) environment.push_back(each);  // of sh
    std::ranges::sort(environment);
    EXPECT_EQ(environment, (std::vector<std::string>{"EMPTY=", "ONE=1 $HOME",
                                                     "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}));
    char directory[100] = {};
    ASSERT_GT(::readlink(("/proc/" + std::to_string(pid) + "/cwd").c_str(), directory, sizeof directory - 1), 0);
    EXPECT_STREQ(directory, "/usr/lib");
    // 0, 1, 2 and that of ls, with a line above.
    EXPECT_NE(output().find("\n5\n"), std::string::npos) << output();
}

TEST_F(cgroup_service, has_a_memory_limit_that_holds) {
    service_.memory_max = 48u << 20;
    service_.argv = {"/usr/bin/tail", "/dev/zero"};  // keeps its last line, which has no end
    ASSERT_TRUE(host().start(service_));
    const auto file = roots_.memory_v1.empty() ? group() + "/memory.max"
                                               : roots_.memory_v1 + "/delvegate/" + service_.unit + "/memory.limit_in_bytes";
    EXPECT_EQ(bytes_of(file), std::to_string(48u << 20) + "\n");
    ASSERT_TRUE(eventually([&] { return host().state(service_.unit)->now == phase::ended; }));
    EXPECT_EQ(host().state(service_.unit)->how_ended, "signal 9");
}

TEST_F(cgroup_service, has_mounts_of_its_own) {
    scratch_.write("source/file", "from the source\n");
    scratch_.write("source/below/file", "from below\n");
    scratch_.write("other/file", "from the other\n");
    scratch_.write("covered/file", "covered\n");
    scratch_.write("alone", "a file\n");
    // The second is below the first, whose target covers what the third one takes.
    service_.mounts = {{scratch_ / "other", scratch_ / "target/below", false},
                       {scratch_ / "source", scratch_ / "target", true},
                       {scratch_ / "covered", scratch_ / "new/deep", false},
                       {scratch_ / "source", scratch_ / "covered", true},
                       {scratch_ / "alone", scratch_ / "new/one", true}};
    script("cd " + scratch_.path() + "; cat target/file target/below/file new/deep/file covered/file new/one; "
           "touch target/x; touch new/one; touch target/below/written; echo done; exec sleep 1000");
    start();
    ASSERT_TRUE(wait_for_output("done\n"));
    EXPECT_EQ(output().substr(0, output().find("touch")),
              "from the source\nfrom the other\ncovered\nfrom the source\na file\n");
    EXPECT_EQ(std::ranges::count(output(), '\n'), 8) << output();
    EXPECT_NE(output().find("Read-only file system"), std::string::npos) << output();
    EXPECT_EQ(::access((scratch_ / "other/written").c_str(), F_OK), 0);
    EXPECT_NE(::access((scratch_ / "source/x").c_str(), F_OK), 0);
    EXPECT_NE(::access((scratch_ / "target/file").c_str(), F_OK), 0) << "the host sees nothing of it";
}

TEST_F(cgroup_service, what_is_hardened_is_confined) {
    scratch_.write("mine/file", "");
    service_.hardened = true;
    service_.writable = {scratch_ / "mine"};
    script("touch " + (scratch_ / "mine/written") + "; touch " + (scratch_ / "other") + "; ls /root; ls /dev | wc -l; echo x > /dev/null; "
           "mount -t tmpfs tmpfs /mnt; unshare -n true; python3 -c 'import socket; socket.socket(socket.AF_NETLINK)'; "
           "python3 -c 'import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)'; "
           "python3 -c 'import socket; socket.socket(socket.AF_UNIX); print(\"fine\")'; echo done; exec sleep 1000");
    const auto pid = start();
    ASSERT_TRUE(wait_for_output("done\n"));
    ASSERT_TRUE(eventually([&] { return proc(pid, "comm") == "sleep\n"; }));
    for (const auto* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) EXPECT_EQ(status_line(pid, set), " 0000000000000000") << set;
    EXPECT_EQ(status_line(pid, "NoNewPrivs"), " 1");
    EXPECT_EQ(status_line(pid, "Seccomp"), " 2");
    EXPECT_EQ(status_line(pid, "Umask"), " 0077");
    EXPECT_EQ(::access((scratch_ / "mine/written").c_str(), F_OK), 0) << output();
    EXPECT_NE(::access((scratch_ / "other").c_str(), F_OK), 0);
    for (const auto* said : {"Read-only file system", "cannot open directory '/root'", "\n5\n", "unshare failed: Operation not permitted",
                             "Address family not supported", "PermissionError", "\nfine\n"})
        EXPECT_NE(output().find(said), std::string::npos) << said << " is not in\n" << output();
}

TEST_F(cgroup_service, what_forks_and_ignores_sigterm_is_ended_too) {
    script("trap '' TERM; echo begun; while :; do setsid sh -c 'trap \"\" TERM; sleep 1000; sleep 1000' & sleep 0.02; done");
    start();
    ASSERT_TRUE(eventually([&] { return host().processes(service_.unit)->size() > 10; }));
    const auto stopped = host().stop(service_.unit);
    EXPECT_TRUE(stopped) << stopped.error();
    EXPECT_TRUE(host().processes(service_.unit)->empty());
    EXPECT_EQ(host().state(service_.unit)->now, phase::none);
}

TEST_F(cgroup_service, outlives_whoever_started_it_and_is_found_again) {
    script("trap '' HUP; echo begun; while :; do sleep 1; done");
    const pid_t starter = ::fork();
    ASSERT_GE(starter, 0);
    if (starter == 0) {
        (void)again().start(service_);
        ::kill(::getpid(), SIGKILL);
    }
    ASSERT_EQ(::waitpid(starter, nullptr, 0), starter);
    ASSERT_TRUE(wait_for_output("begun\n"));
    auto later = again();
    const auto state = later.state(service_.unit);
    ASSERT_TRUE(state);
    EXPECT_EQ(state->now, phase::running);
    const auto all = later.processes(service_.unit);
    EXPECT_NE(std::ranges::find(*all, state->main_pid), all->end());
    ASSERT_TRUE(later.stop(service_.unit));
    EXPECT_TRUE(eventually([&] { return ::kill(state->main_pid, 0) != 0; }));
}

// Who is ending keeps it busy for a moment after nobody is in any list; here somebody who is there longer stands for that.
TEST_F(cgroup_service, a_group_that_is_busy_for_a_moment_is_removed) {
    cgroup_group group(roots_, service_.unit);
    ASSERT_TRUE(group.make(64u << 20));
    const auto doors = group.doors();
    ASSERT_TRUE(doors);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    const auto pid = std::to_string(child);
    for (const auto& door : *doors) ASSERT_EQ(::write(door.get(), pid.data(), pid.size()), static_cast<ssize_t>(pid.size()));
    group.remove();
    EXPECT_TRUE(group.exists()) << "somebody is in it";
    std::thread ends([child] {
        std::this_thread::sleep_for(milliseconds(300));
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
    });
    group.remove(std::chrono::seconds(60));
    ends.join();
    EXPECT_FALSE(group.exists());
}

TEST_F(cgroup_service, says_how_it_ended) {
    script("exit 3");
    ASSERT_TRUE(host().start(service_));
    ASSERT_TRUE(eventually([&] { return host().state(service_.unit)->now == phase::ended; }));
    EXPECT_EQ(host().state(service_.unit)->how_ended, "exit code 3");
    EXPECT_EQ(again().state(service_.unit)->how_ended, "exit code 3") << "another host knows it too";
    ASSERT_TRUE(host().forget(service_.unit));
    EXPECT_EQ(host().state(service_.unit)->now, phase::none);
    script("sleep 1000 & kill -9 $$");
    ASSERT_TRUE(host().start(service_)) << "the name is free again";
    ASSERT_TRUE(eventually([&] { return host().state(service_.unit)->now == phase::ending; }));
    EXPECT_EQ(host().state(service_.unit)->how_ended, "signal 9");
    EXPECT_EQ(host().processes(service_.unit)->size(), 1u);
    ASSERT_TRUE(host().kill(service_.unit, SIGKILL));
    EXPECT_TRUE(eventually([&] { return host().state(service_.unit)->now == phase::ended; }));
}

TEST_F(cgroup_service, what_cannot_be_done_is_refused_and_nothing_is_left) {
    const auto refused = [&](const std::string& because) {
        const auto started = host().start(service_);
        ASSERT_FALSE(started) << because;
        EXPECT_NE(started.error().find(because), std::string::npos) << started.error();
        EXPECT_TRUE(started.error().starts_with(service_.unit + " could not be started: ")) << started.error();
        EXPECT_EQ(started.error().find('\n'), std::string::npos);
        EXPECT_EQ(host().state(service_.unit)->now, phase::none);
        EXPECT_NE(::access(group().c_str(), F_OK), 0);
    };
    service_.argv = {"/nothing/of/that/name"};
    refused("/nothing/of/that/name could not be executed: No such file");
    script("exit 0");
    service_.working_directory = "/nothing";
    refused("its working directory /nothing cannot be gone to: No such file");
    service_.working_directory = "/";
    service_.mounts = {{"/nothing", scratch_ / "target", false}};
    refused("/nothing could not be taken to be mounted: No such file");
    service_.mounts = {{"/etc", scratch_.write("file", "") + "/x", false}};
    refused("could not be mounted at");
    service_.mounts.clear();
    service_.slice = "x.slice";
    refused("there is no slice x.slice");
    service_.slice.clear();
    service_.after = {"network.target"};
    refused("nobody orders it after network.target");
    service_.after.clear();
    service_.argv = {"sh"};
    refused("not absolute");
}

TEST_F(cgroup_service, without_cgroups_nothing_is_started_and_the_rest_works) {
    cgroup_roots none;
    none.trouble = "there is neither systemd nor cgroup v2 here";
    cgroup_host without(scratch_ / "services", none);
    script("exec sleep 1000");
    const auto started = without.start(service_);
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().find("neither systemd nor cgroup v2"), std::string::npos) << started.error();
    EXPECT_EQ(without.state(service_.unit)->now, phase::none);
    EXPECT_TRUE(without.processes(service_.unit)->empty());
    EXPECT_TRUE(without.stop(service_.unit));
    EXPECT_TRUE(without.forget(service_.unit));
    // The cgroups have been unmounted while it ran: its session tells who belongs to it.
    const auto pid = start();
    EXPECT_EQ(*without.processes(service_.unit), std::vector<pid_t>{pid});
    EXPECT_TRUE(without.stop(service_.unit));
    EXPECT_TRUE(host().processes(service_.unit)->empty());
}

TEST_F(cgroup_service, a_group_with_processes_gives_no_memory_controller) {
    if (!roots_.memory_v1.empty()) {
        cgroup_roots without = roots_;
        without.memory_v1.clear();
        const auto fine = without.can_hold(1);
        ASSERT_FALSE(fine);
        EXPECT_NE(fine.error().find("does not have the memory controller"), std::string::npos) << fine.error();
        EXPECT_TRUE(without.can_hold(0));
        return;
    }
    script("exec sleep 1000");
    start();
    cgroup_roots inside = roots_;
    inside.unified = group();
    // It is not the true root, and somebody is in it.
    const auto fine = inside.can_hold(1);
    EXPECT_FALSE(fine);
    EXPECT_NE(fine.error().find("memoryLimit: 0"), std::string::npos) << fine.error();
}

}  // namespace
}  // namespace launcher
