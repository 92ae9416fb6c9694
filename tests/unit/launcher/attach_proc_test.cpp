// Which process is meant, among those that look like it.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "launcher/attach_target.h"
#include "tests/unit/launcher/scratch_directory.h"

namespace launcher {
namespace {

class attach_proc : public ::testing::Test {
protected:
    struct look {
        pid_t pid;
        std::string cgroup = "/";
        std::string numbers = {};  // NSpid
        std::string program = "/usr/bin/app";
        std::string argv0 = "app";
        std::string uids = "0\t0\t0\t0";
    };
    void add(const look& one) {
        const auto number = std::to_string(one.pid);
        std::string stat = number + " (x) S";
        for (int field = 4; field <= 22; ++field) stat += " 7";
        proc_.write(number + "/stat", stat + " 0\n");
        proc_.write(number + "/cmdline", one.argv0 + std::string(1, '\0'));
        proc_.write(number + "/cgroup", "0::" + one.cgroup + "\n");
        proc_.write(number + "/status", "Name:\tx\nUid:\t" + one.uids + "\nGid:\t0\t0\t0\t0\nGroups:\t\nNSpid:\t" +
                                            (one.numbers.empty() ? number : one.numbers) + "\n");
        std::filesystem::create_symlink(one.program, proc_ / (number + "/exe"));
    }
    std::string first() const {
        const auto found = first_in_container(id_, "app of default", proc_.path());
        return found ? std::to_string(*found) : found.error();
    }
    std::string named() const {
        component_definition definition;
        definition.process = "app";
        definition.user = "0";
        definition.executable = "/usr/bin/app";
        const auto found = find_named(definition, proc_.path());
        return found ? std::to_string(*found) : found.error();
    }
    std::string in(const std::string& last) const { return "/kubepods.slice/kubepods-pod1.slice/" + last; }

    const scratch_directory proc_;
    const std::string id_ = std::string(64, 'a'), other_ = std::string(64, 'b');
};

TEST_F(attach_proc, a_container_by_the_whole_last_name_of_its_cgroup) {
    // Each holds the id somewhere.
    add({.pid = 100, .cgroup = in("cri-containerd-" + id_ + ".scope/inner"), .numbers = "100\t1"});
    add({.pid = 101, .cgroup = in("x-" + id_ + ".scope"), .numbers = "101\t1"});
    add({.pid = 102, .cgroup = "/" + id_ + "/system.slice", .numbers = "102\t1"});
    EXPECT_NE(first().find("there is no process in the container"), std::string::npos) << first();
    for (const auto& name : {id_, "cri-containerd-" + id_ + ".scope", "crio-" + id_ + ".scope"}) {
        add({.pid = 200, .cgroup = in(name), .numbers = "200\t1"});
        EXPECT_EQ(first(), "200") << name;
        std::filesystem::remove_all(proc_ / "200");
    }
}

TEST_F(attach_proc, a_namespace_within_the_container_is_not_its_first) {
    const auto scope = in("cri-containerd-" + id_ + ".scope");
    add({.pid = 90, .cgroup = scope, .numbers = "90\t12\t1"});  // unshare --pid, and its number came round again
    add({.pid = 300, .cgroup = scope, .numbers = "300\t1"});
    add({.pid = 301, .cgroup = scope, .numbers = "301\t11"});
    EXPECT_EQ(first(), "300");
    add({.pid = 302, .cgroup = scope, .numbers = "302\t1"});
    EXPECT_NE(first().find("which is meant cannot be told"), std::string::npos) << first();
}

TEST_F(attach_proc, without_a_namespace_of_its_own_the_only_one_counts) {
    const auto scope = in("crio-" + id_ + ".scope");
    add({.pid = 400, .cgroup = scope});
    add({.pid = 401, .cgroup = scope, .numbers = "401\t1"});
    EXPECT_EQ(first(), "400");
    add({.pid = 402, .cgroup = scope});
    EXPECT_NE(first().find("which is meant cannot be told"), std::string::npos) << first();
}

TEST_F(attach_proc, whoever_only_calls_himself_so_is_in_nobodys_way) {
    add({.pid = 500});
    EXPECT_EQ(named(), "500");
    add({.pid = 501, .program = "/usr/bin/sleep"});                  // exec -a app sleep
    add({.pid = 502, .program = "/home/eve/app", .uids = "1000\t1000\t1000\t1000"});
    add({.pid = 503, .program = "/usr/bin/app", .uids = "1000\t0\t0\t0"});  // set-user-id
    EXPECT_EQ(named(), "500");
    add({.pid = 504});
    EXPECT_NE(named().find("which is meant cannot be told"), std::string::npos) << named();
}

}  // namespace
}  // namespace launcher
