#include "launcher/memory_limit.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

TEST(cgroup_place, is_found_in_the_unified_hierarchy) {
    const auto place = unified_place(
        "29 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
        "0::/user.slice/user-1000.slice/session-3.scope\n");
    ASSERT_TRUE(place);
    EXPECT_EQ(place->mount, "/sys/fs/cgroup");
    EXPECT_EQ(place->path, "/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope");
}

TEST(cgroup_place, is_found_for_version_1) {
    const char mountinfo[] =
        "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
        "34 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
        "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
    const char cgroups[] = "5:memory:/system.slice/delvegate.service\n4:cpu,cpuacct:/\n0::/\n";
    const auto place = memory_v1_place(mountinfo, cgroups);
    ASSERT_TRUE(place);
    EXPECT_EQ(place->path, "/sys/fs/cgroup/memory/system.slice/delvegate.service");
    const auto unified = unified_place(mountinfo, cgroups);
    ASSERT_TRUE(unified);
    EXPECT_EQ(unified->path, unified->mount);
}

TEST(cgroup_place, in_a_container_is_below_the_mounts_root) {
    const auto place = memory_v1_place(
        "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
        "5:memory:/docker/abc/inner\n");
    ASSERT_TRUE(place);
    EXPECT_EQ(place->path, "/sys/fs/cgroup/memory/inner");
}

TEST(cgroup_place, is_none_where_nothing_is_mounted) {
    EXPECT_FALSE(unified_place("", "0::/\n"));
    EXPECT_FALSE(unified_place("35 31 0:32 / /x rw - cgroup2 cgroup2 rw\n", ""));
    EXPECT_FALSE(memory_v1_place("35 31 0:32 / /x rw - cgroup cgroup rw,cpu\n", "5:memory:/\n"));
}

}  // namespace
}  // namespace launcher
