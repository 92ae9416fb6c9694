#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "fixture.h"

namespace {

using systemd_test::eventually;
using systemd_test::text_of;
using systemd_test::write_file;

class manager : public systemd_test::node {};

TEST_F(manager, says_what_a_unit_is) {
    unit_file("plain.service",
              "[Service]\nExecStart=-:/bin/sleep 1000 %%n\nEnvironment=\"A=b c\" D=\nEnvironmentFile=-/srv/*.env\n"
              "PassEnvironment=P\nUnsetEnvironment=U\nWorkingDirectory=-/srv\nUser=nobody\nKillMode=mixed\nRestart=always\n"
              "WatchdogSec=7\nTimeoutStopSec=11\nMemoryMax=512M\nSystemCallFilter=@system-service\nProtectHome=yes\n"
              "NoNewPrivileges=yes\nOOMScoreAdjust=-5\nLimitNOFILE=77\nRestrictAddressFamilies=AF_UNIX\nRuntimeMaxSec=99\n");
    write_file("/etc/systemd/system/plain.service.d/10-a.conf", "[Service]\nExecStopPost=/bin/true\n");
    must(systemd().reload());
    const auto unit = properties("plain.service");
    EXPECT_EQ(unit.id, "plain.service");
    EXPECT_EQ(unit.load_state, "loaded");
    EXPECT_EQ(unit.active_state, "inactive");
    EXPECT_EQ(unit.fragment_path, "/etc/systemd/system/plain.service");
    EXPECT_EQ(unit.drop_in_paths, std::vector<std::string>{"/etc/systemd/system/plain.service.d/10-a.conf"});
    ASSERT_EQ(unit.exec_start.size(), 1u);
    EXPECT_EQ(unit.exec_start[0].path, "/bin/sleep");
    EXPECT_EQ(unit.exec_start[0].argv, (std::vector<std::string>{"/bin/sleep", "1000", "%n"}));
    EXPECT_TRUE(unit.exec_start[0].has("ignore-failure"));
    EXPECT_TRUE(unit.exec_start[0].has("no-env-expand"));
    EXPECT_EQ(unit.exec_stop_post.size(), 1u);
    EXPECT_EQ(unit.environment, (std::vector<std::string>{"A=b c", "D="}));
    ASSERT_EQ(unit.environment_files.size(), 1u);
    EXPECT_EQ(unit.environment_files[0].path, "/srv/*.env");
    EXPECT_TRUE(unit.environment_files[0].optional);
    EXPECT_EQ(unit.pass_environment, std::vector<std::string>{"P"});
    EXPECT_EQ(unit.unset_environment, std::vector<std::string>{"U"});
    EXPECT_EQ(unit.working_directory, "!/srv");
    EXPECT_EQ(unit.user, "nobody");
    EXPECT_EQ(unit.kill_mode, "mixed");
    EXPECT_EQ(unit.restart, "always");
    EXPECT_EQ(unit.type, "simple");
    EXPECT_EQ(unit.timeout_stop_usec, 11000000u);
    EXPECT_EQ(unit.runtime_max_usec, 99000000u);
    EXPECT_EQ(unit.memory_max, 512u << 20);
    EXPECT_EQ(unit.limit_nofile, 77u);
    EXPECT_EQ(unit.oom_score_adjust, -5);
    EXPECT_TRUE(unit.syscalls.allow_list);
    EXPECT_NE(std::find(unit.syscalls.names.begin(), unit.syscalls.names.end(), "read"), unit.syscalls.names.end());
    EXPECT_EQ(unit.address_families.names, std::vector<std::string>{"AF_UNIX"});
    EXPECT_EQ(unit.protect_home, "yes");
    EXPECT_TRUE(unit.no_new_privileges);
    EXPECT_FALSE(unit.need_daemon_reload);
    EXPECT_EQ(unit.main_pid, 0);
}

TEST_F(manager, a_unit_that_is_not_there_is_not_found) {
    EXPECT_EQ(properties("nothing-of-that-name.service").load_state, "not-found");
    const auto there = systemd().unit_exists("nothing-of-that-name.service");
    ASSERT_TRUE(there);
    EXPECT_FALSE(*there);
    must(systemd().stop("nothing-of-that-name.service"));
    must(systemd().reset_failed("nothing-of-that-name.service"));
    const auto started = systemd().start("nothing-of-that-name.service");
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().find("nothing-of-that-name.service could not be started"), std::string::npos);
    EXPECT_FALSE(systemd().properties("../x.service"));
    EXPECT_FALSE(systemd().start("x@.service"));
    EXPECT_FALSE(systemd().stop("x.socket"));
}

TEST_F(manager, starts_restarts_and_stops) {
    unit_file("sleeper.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    must(systemd().reload());
    must(systemd().start("sleeper.service"));
    const auto first = properties("sleeper.service");
    EXPECT_TRUE(first.is_active());
    EXPECT_EQ(first.invocation_id.size(), 32u);
    // systemd says so once it has forked: until it executes the program, it is still systemd.
    EXPECT_TRUE(eventually([&] { return command_line(first.main_pid) == std::vector<std::string>{"/bin/sleep", "1000"}; }));
    const auto pids = systemd().unit_processes("sleeper.service");
    ASSERT_TRUE(pids) << pids.error();
    EXPECT_EQ(*pids, std::vector<pid_t>{first.main_pid});
    must(systemd().restart("sleeper.service"));
    EXPECT_NE(properties("sleeper.service").main_pid, first.main_pid);
    must(systemd().stop("sleeper.service"));
    EXPECT_TRUE(properties("sleeper.service").is_down());
    EXPECT_TRUE(systemd().unit_processes("sleeper.service")->empty());
}

TEST_F(manager, a_failed_start_says_what_to_look_at) {
    unit_file("failing.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    must(systemd().reload());
    const auto started = systemd().start("failing.service");
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().find("exit-code"), std::string::npos) << started.error();
    EXPECT_NE(started.error().find("journalctl -u failing.service"), std::string::npos) << started.error();
    EXPECT_EQ(properties("failing.service").active_state, "failed");
    must(systemd().reset_failed("failing.service"));
    EXPECT_EQ(properties("failing.service").active_state, "inactive");
}

TEST_F(manager, a_job_that_takes_too_long_is_told) {
    unit_file("slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    must(systemd().reload());
    const auto started = systemd().start("slow.service", std::chrono::milliseconds(100));
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().find("was not started within"), std::string::npos) << started.error();
}

TEST_F(manager, finds_edits_that_wait_for_a_reload) {
    unit_file("edited.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    must(systemd().reload());
    must(systemd().start("edited.service"));  // keeps it loaded
    EXPECT_EQ(*systemd().units_needing_reload(), std::vector<std::string>{});
    write_file("/etc/systemd/system/edited.service.d/20-b.conf", "[Service]\nNice=1\n");
    EXPECT_EQ(*systemd().units_needing_reload(), std::vector<std::string>{"edited.service"});
    EXPECT_FALSE(properties("edited.service").need_daemon_reload);  // systemd does not see a new directory
    must(systemd().reload());
    EXPECT_EQ(*systemd().units_needing_reload(), std::vector<std::string>{});
}

// As runc does for each container: one property after another, not in the order of the alphabet.
TEST_F(manager, what_systemd_writes_for_transient_units_is_no_edit) {
    launcher::transient_service service;
    service.unit = "made-by-others.service";
    service.argv = {"/bin/sleep", "1000"};
    must(systemd().start_transient(service));
    for (const auto* property : {"TasksMax=50", "CPUWeight=50"})
        ASSERT_EQ(std::system((std::string("systemctl set-property --runtime made-by-others.service ") + property).c_str()), 0);
    EXPECT_TRUE(properties("made-by-others.service").need_daemon_reload) << "systemd has learnt better: is the case still needed?";
    EXPECT_EQ(*systemd().units_needing_reload(), std::vector<std::string>{});
    for (const auto* place : {"made-by-others.service.d", "made-by-.service.d", "made-.service.d", "service.d"}) {
        const auto path = std::string("/etc/systemd/system/") + place + "/70-theirs.conf";
        write_file(path, "[Service]\nNice=1\n");
        const auto edited = systemd().units_needing_reload();
        EXPECT_NE(std::find(edited->begin(), edited->end(), "made-by-others.service"), edited->end()) << place;
        std::filesystem::remove(path);
    }
    must(systemd().stop("made-by-others.service"));
}

TEST_F(manager, runs_a_transient_service_with_all_that_it_was_given) {
    write_file(directory + "/source/file", "mounted\n");
    launcher::transient_service service;
    service.unit = "delvegate-all.service";
    service.description = "everything at once";
    service.argv = {"/bin/sh", "-c",
                    "id -u; id -g; id -G; pwd; umask; ulimit -n; cat /mnt/file; touch /mnt/x 2>/dev/null || echo no; "
                    "cat /proc/self/oom_score_adj; ls -d /run/delvegate-all; echo \"$A|$0|$1\"; exec sleep 1000",
                    "${HOME} $HOME", "%n $$ a b"};
    service.environment = {{"A", "x  y\n%n $Z"}};
    service.working_directory = "/usr";
    service.uid = 54321;
    service.gid = 54322;
    service.groups = {54322, 54323};
    service.mounts = {{directory + "/source", "/mnt", true}};
    service.memory_max = 64 << 20;
    service.oom_score_adjust = 321;
    service.limit_nofile = 123;
    service.umask = 027;
    service.runtime_directory = "delvegate-all";
    service.output_file = directory + "/output";
    service.timeout_stop = std::chrono::seconds(5);
    must(systemd().start_transient(service));
    ASSERT_TRUE(eventually([&] { return text_of(service.output_file).find("%n $$ a b") != std::string::npos; }))
        << text_of(service.output_file);
    EXPECT_EQ(text_of(service.output_file),
              "54321\n54322\n54322 54323\n/usr\n0027\n123\nmounted\nno\n321\n/run/delvegate-all\n"
              "x  y\n%n $Z|${HOME} $HOME|%n $$ a b\n");
    const auto unit = properties(service.unit);
    EXPECT_TRUE(unit.transient);
    EXPECT_EQ(unit.memory_max, 64u << 20);
    EXPECT_EQ(unit.timeout_stop_usec, 5000000u);
    EXPECT_EQ(unit.tasks_max, launcher::no_limit);
    EXPECT_EQ(command_line(unit.main_pid).front(), "sleep");

    const auto again = systemd().start_transient(service);
    ASSERT_FALSE(again);
    EXPECT_NE(again.error().find("there already"), std::string::npos) << again.error();
    must(systemd().kill_unit(service.unit, SIGKILL));
    // CollectMode: not even the failure is left.
    EXPECT_TRUE(eventually([&] { return !*systemd().unit_exists(service.unit); }));
    must(systemd().kill_unit(service.unit, SIGKILL));
}

TEST_F(manager, an_environment_in_a_file_is_for_root_alone) {
    const std::string value = "s3cret 'a' \"b\" \\n \\\\ $HOME `id` #c ;d\nsecond line\n\ttab ";
    launcher::transient_service service;
    service.unit = "delvegate-secret.service";
    service.argv = {"/bin/sh", "-c", "printf '%s|%s|' \"$A\" \"$B\"; exec sleep 1000"};
    service.environment = {{"A", value}, {"B", ""}};
    service.environment_file = directory + "/environment";
    service.output_file = directory + "/output";
    must(systemd().start_transient(service));
    ASSERT_TRUE(eventually([&] { return text_of(service.output_file).ends_with("||"); })) << text_of(service.output_file);
    EXPECT_EQ(text_of(service.output_file), value + "||");
    struct stat info {};
    ASSERT_EQ(::stat(service.environment_file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    for (const auto& each : properties(service.unit).environment) EXPECT_EQ(each.find("s3cret"), std::string::npos);
    EXPECT_EQ(text_of("/run/systemd/transient/delvegate-secret.service").find("s3cret"), std::string::npos);
    must(systemd().stop(service.unit));
}

TEST_F(manager, a_transient_service_that_cannot_be_executed_is_told) {
    launcher::transient_service service;
    service.unit = "delvegate-none.service";
    service.argv = {"/nowhere/program"};
    const auto started = systemd().start_transient(service);
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().find("delvegate-none.service could not be started"), std::string::npos);
    service.argv = {"relative"};
    EXPECT_FALSE(systemd().start_transient(service));
    service.argv = {"/bin/echo", "\xff"};
    const auto bytes = systemd().start_transient(service);
    ASSERT_FALSE(bytes);
    EXPECT_NE(bytes.error().find("UTF-8"), std::string::npos) << bytes.error();
}

TEST_F(manager, memory_beyond_the_limit_ends_all_of_the_service) {
    launcher::transient_service service;
    service.unit = "delvegate-hungry.service";
    service.argv = {"/bin/sh", "-c", "sleep 1000 & exec tail -c 500M /dev/zero"};
    service.memory_max = 32 << 20;
    must(systemd().start_transient(service));
    EXPECT_TRUE(eventually([&] { return !*systemd().unit_exists(service.unit); }));
}

TEST_F(manager, root_gets_no_home_of_its_own) {
    launcher::transient_service service;
    service.unit = "delvegate-root.service";
    service.argv = {"/usr/bin/env"};
    service.output_file = directory + "/output";
    must(systemd().start_transient(service));
    ASSERT_TRUE(eventually([&] { return text_of(service.output_file).find("PATH=") != std::string::npos; }));
    EXPECT_EQ(text_of(service.output_file).find("HOME="), std::string::npos);
}

}  // namespace
