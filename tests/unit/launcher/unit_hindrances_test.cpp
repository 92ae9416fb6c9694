#include "launcher/unit_hindrances.h"

#include <gtest/gtest.h>

namespace {

using launcher::severity;
using launcher::unit_properties;

unit_properties plain() {
    unit_properties unit;
    unit.id = "x.service";
    unit.type = "simple";
    unit.restart = "no";
    unit.kill_mode = "control-group";
    unit.exec_start = {{"/usr/bin/x", {"/usr/bin/x"}, {}}};
    return unit;
}

bool refused(const unit_properties& unit, const launcher::unit_surroundings& around = {}) {
    for (const auto& f : launcher::find_hindrances(unit, around).findings)
        if (f.how == severity::refusal) return true;
    return false;
}

TEST(unit_hindrances, a_plain_unit_has_none) {
    const auto found = launcher::find_hindrances(plain(), {"/usr/bin/dlv", "/usr/bin/x-debug", 1, false});
    EXPECT_TRUE(found.findings.empty());
    EXPECT_TRUE(found.loosened.empty());
    EXPECT_TRUE(found.beside.empty());
}

TEST(unit_hindrances, a_call_filter_is_opened_for_what_dlv_needs_only) {
    auto unit = plain();
    unit.syscalls = {false, {"ptrace:EPERM", "mount"}};
    EXPECT_EQ(launcher::find_hindrances(unit, {}).loosened, std::vector<std::string>{"SystemCallFilter=ptrace"});
    unit.syscalls = {true, {"ptrace", "process_vm_readv", "process_vm_writev", "wait4", "waitid", "tgkill", "kill", "execve",
                            "clone", "clone3", "vfork", "setpgid", "socket", "bind", "listen", "accept4"}};
    EXPECT_EQ(launcher::find_hindrances(unit, {}).loosened, std::vector<std::string>{"SystemCallFilter=personality"});
    unit.syscalls = {};
    unit.address_families = {true, {"AF_INET", "AF_INET6"}};
    EXPECT_EQ(launcher::find_hindrances(unit, {}).loosened, std::vector<std::string>{"RestrictAddressFamilies=AF_UNIX"});
}

TEST(unit_hindrances, limits_are_raised_by_what_dlv_needs) {
    auto unit = plain();
    unit.runtime_max_usec = 1;
    unit.tasks_max = 8;
    EXPECT_EQ(launcher::find_hindrances(unit, {}).loosened, (std::vector<std::string>{"TasksMax=136", "RuntimeMaxSec=infinity"}));
}

TEST(unit_hindrances, memory_is_the_smaller_of_the_raised_limit_and_the_components) {
    constexpr std::uint64_t gib = 1ull << 30;
    EXPECT_EQ(launcher::memory_with_dlv(launcher::no_limit, 0, 8 * gib), 8 * gib);
    EXPECT_EQ(launcher::memory_with_dlv(launcher::no_limit, 3 * gib, 0), launcher::no_limit);
    EXPECT_EQ(launcher::memory_with_dlv(100, 0, 8 * gib), gib + 100);
    EXPECT_EQ(launcher::memory_with_dlv(100, 3 * gib, 8 * gib), 3 * gib + 100) << "dlv needs more than usual";
    EXPECT_EQ(launcher::memory_with_dlv(9 * gib, 0, 8 * gib), 8 * gib);
    EXPECT_EQ(launcher::memory_with_dlv(launcher::no_limit - 1, 0, 0), launcher::no_limit) << "it does not overflow";
}

TEST(unit_hindrances, what_the_unit_does_not_see_closes_its_own_place) {
    const auto beside = [](unit_properties unit, const char* dlv, const char* binary) {
        return launcher::find_hindrances(unit, {dlv, binary, 0, false}).beside;
    };
    auto unit = plain();
    unit.protect_home = "yes";
    unit.private_tmp = true;
    unit.inaccessible_paths = {"-/opt"};
    unit.no_exec_paths = {"/srv"};
    EXPECT_NE(beside(unit, "/root/go/bin/dlv", ""), "");
    EXPECT_NE(beside(unit, "/usr/bin/dlv", "/home/me/x"), "");
    EXPECT_NE(beside(unit, "/usr/bin/dlv", "/tmp/x"), "");
    EXPECT_NE(beside(unit, "/usr/bin/dlv", "/opt/x"), "");
    EXPECT_NE(beside(unit, "/usr/bin/dlv", "/srv/x"), "");
    EXPECT_EQ(beside(unit, "/usr/bin/dlv", "/homework/x"), "");
    unit.protect_home = "read-only";
    EXPECT_EQ(beside(unit, "/root/go/bin/dlv", ""), "");
}

TEST(unit_hindrances, what_cannot_be_debugged_is_refused) {
    for (const char* type : {"forking", "oneshot"}) {
        auto unit = plain();
        unit.type = type;
        EXPECT_TRUE(refused(unit)) << type;
    }
    auto unit = plain();
    unit.exec_start.push_back(unit.exec_start[0]);
    EXPECT_TRUE(refused(unit));
    unit = plain();
    unit.root_directory = "/srv/root";
    EXPECT_TRUE(refused(unit));
    unit = plain();
    unit.dynamic_user = true;
    EXPECT_TRUE(refused(unit));
    unit = plain();
    unit.triggered_by = {"x.timer"};
    EXPECT_FALSE(refused(unit));
    unit.triggered_by = {"x.socket"};
    EXPECT_TRUE(refused(unit));
    EXPECT_TRUE(refused(plain(), {"", "", 3, false}));
    EXPECT_FALSE(refused(plain(), {"", "", 2, false}));
    unit = plain();
    unit.user = "somebody";
    EXPECT_TRUE(refused(unit, {"", "", 2, false}));
}

}  // namespace
