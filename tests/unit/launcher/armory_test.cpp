#include "launcher/armory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/trusted_directory.h"

namespace launcher {
namespace {

using namespace std::chrono_literals;

struct armory_test : testing::Test {
    support::trusted_directory place;
    std::chrono::milliseconds at{1'000'000};
    std::string state = place / "state";

    boot_clock clock(const std::string& boot = "boot-1") {
        boot_clock out;
        out.now = [this] { return at; };
        out.boot_id = boot;
        return out;
    }
    armory fresh(const std::string& boot = "boot-1") { return armory(state, clock(boot)); }
};

TEST_F(armory_test, arms_until_the_time_is_up) {
    armory arms(state, clock());
    EXPECT_FALSE(arms.armed("kubelet"));
    ASSERT_TRUE(arms.arm("kubelet", 2h, "root"));
    EXPECT_TRUE(arms.armed("kubelet"));
    EXPECT_FALSE(arms.armed("kube-scheduler"));
    at += 2h - 1ms;
    EXPECT_EQ(arms.left("kubelet"), 1ms);
    at += 1ms;
    EXPECT_FALSE(arms.armed("kubelet"));
}

TEST_F(armory_test, a_restart_disarms_nothing_and_prolongs_nothing) {
    ASSERT_TRUE(armory(state, clock()).arm("kubelet", 1h, "root"));
    at += 59min;
    armory again(state, clock());
    EXPECT_EQ(again.left("kubelet"), 1min);
    EXPECT_EQ(again.warning(), "");
    at += 1min;
    EXPECT_FALSE(armory(state, clock()).armed("kubelet"));
}

TEST_F(armory_test, a_reboot_disarms) {
    ASSERT_TRUE(armory(state, clock()).arm("kubelet", 1h, "root"));
    EXPECT_FALSE(armory(state, clock("boot-2")).armed("kubelet"));
    EXPECT_FALSE(armory(state, clock("")).armed("kubelet"));
    EXPECT_TRUE(armory(state, clock()).armed("kubelet"));
}

TEST_F(armory_test, disarming_is_kept) {
    armory arms(state, clock());
    ASSERT_TRUE(arms.arm("kubelet", 1h, "root"));
    ASSERT_TRUE(arms.arm("kube-scheduler", 1h, "root"));
    ASSERT_TRUE(arms.disarm("kubelet"));
    ASSERT_TRUE(arms.disarm("never-armed"));
    armory again(state, clock());
    EXPECT_FALSE(again.armed("kubelet"));
    EXPECT_TRUE(again.armed("kube-scheduler"));
}

TEST_F(armory_test, what_is_over_is_remembered_until_the_reboot) {
    const auto begun = at;
    {
        armory arms(state, clock());
        EXPECT_FALSE(arms.latest("kubelet"));
        ASSERT_TRUE(arms.arm("kubelet", 1h, "root"));
        ASSERT_TRUE(arms.disarm("kube-proxy")) << "also where it was never armed";
        at += 2h;
        ASSERT_TRUE(arms.arm("kube-scheduler", 1h, "root"));
    }
    armory again(state, clock());
    EXPECT_EQ(again.latest("kubelet")->until, begun + 1h);
    EXPECT_FALSE(again.latest("kubelet")->disarmed);
    EXPECT_EQ(again.latest("kube-proxy")->until, begun);
    EXPECT_TRUE(again.latest("kube-proxy")->disarmed);
    EXPECT_FALSE(armory(state, clock("boot-2")).latest("kubelet"));
    ASSERT_TRUE(again.arm("kube-proxy", 1h, "root"));
    EXPECT_FALSE(again.latest("kube-proxy")->disarmed);
}

TEST_F(armory_test, its_file_is_roots_alone) {
    ASSERT_TRUE(armory(state, clock()).arm("kubelet", 1h, "root"));
    struct stat info {};
    ASSERT_EQ(::stat((state + "/armed.json").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    ASSERT_EQ(::chmod((state + "/armed.json").c_str(), 0666), 0);
    armory again(state, clock());
    EXPECT_FALSE(again.armed("kubelet"));
    EXPECT_NE(again.warning(), "");
}

TEST_F(armory_test, a_file_that_is_none_of_ours_arms_nothing) {
    ASSERT_TRUE(armory(state, clock()).arm("kubelet", 1h, "root"));
    const std::string file = state + "/armed.json";
    std::ifstream in(file);
    std::string good((std::istreambuf_iterator<char>(in)), {});
    for (const std::string& text : {std::string(), std::string("{"), std::string("[]"), good.substr(0, good.size() / 2),
                                    std::string(R"({"version":2,"bootId":"boot-1","armed":[{"component":"kubelet","untilBootMs":9000000,"by":"x"}]})"),
                                    std::string(R"({"version":1,"bootId":"boot-1","armed":[{"component":"../x","untilBootMs":9000000,"by":"x"}]})"),
                                    std::string(R"({"version":1,"bootId":"boot-1","armed":[{"component":"kubelet","untilBootMs":"soon"}]})")}) {
        std::ofstream(file) << text;
        armory arms(state, clock());
        EXPECT_FALSE(arms.armed("kubelet")) << text;
        EXPECT_NE(arms.warning(), "") << text;
    }
    std::ofstream(file) << good;
    EXPECT_TRUE(armory(state, clock()).armed("kubelet"));
}

TEST_F(armory_test, what_cannot_be_written_is_not_armed) {
    armory arms(state, clock());
    ASSERT_TRUE(arms.arm("kubelet", 1h, "root"));
    // A directory in the place of the file beside it: neither written nor removed.
    std::filesystem::create_directory(state + "/.armed.json.new");
    EXPECT_FALSE(arms.arm("kube-scheduler", 1h, "root"));
    EXPECT_FALSE(arms.armed("kube-scheduler"));
    EXPECT_FALSE(arms.arm("kubelet", 9h, "root"));
    EXPECT_EQ(arms.left("kubelet"), 1h);
    EXPECT_FALSE(arms.disarm("kubelet"));
    EXPECT_FALSE(arms.armed("kubelet")) << "a disarming takes effect all the same";
}

}  // namespace
}  // namespace launcher
