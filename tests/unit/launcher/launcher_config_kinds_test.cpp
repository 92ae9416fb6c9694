#include <gtest/gtest.h>

#include "launcher/launcher_config.h"

namespace launcher {
namespace {

using protocol::op_class;

outcome<launcher_config> read(const std::string& component) {
    return parse_launcher_config("components:\n  - {" + component + "}\n", "launcher.yaml");
}

std::string error_of(const std::string& component) {
    const auto got = read(component);
    return got ? "none" : got.error();
}

TEST(launcher_config_kinds, attach_says_which_process) {
    const auto unit = read("name: kubelet, kind: attach");
    ASSERT_TRUE(unit) << unit.error();
    EXPECT_EQ(unit->components[0].unit, "kubelet.service");
    EXPECT_EQ(unit->components[0].user, "root");
    EXPECT_EQ(to_string(unit->components[0].kind), "attach");
    const auto container = read("name: proxy, kind: attach, container: kube-proxy");
    ASSERT_TRUE(container) << container.error();
    EXPECT_TRUE(container->components[0].unit.empty());
    EXPECT_EQ(container->components[0].name_space, "kube-system");
    EXPECT_EQ(error_of("name: a, kind: attach, process: a, executable: /usr/bin/a"), "none");
    EXPECT_EQ(error_of("name: a, kind: attach, pidFile: /run/a.pid, executable: /usr/bin/a, user: \"1000\""), "none");
}

TEST(launcher_config_kinds, attach_wants_one_way_and_a_program) {
    EXPECT_NE(error_of("name: a, kind: attach, unit: a.service, container: a").find("in more than one way"), std::string::npos);
    EXPECT_NE(error_of("name: a, kind: attach, process: a").find("needs an `executable`"), std::string::npos);
    EXPECT_NE(error_of("name: a, kind: attach, pidFile: /run/a.pid").find("needs an `executable`"), std::string::npos);
    EXPECT_NE(error_of("name: a, kind: attach, process: /usr/bin/a, executable: /usr/bin/a").find("without its directory"),
              std::string::npos);
    EXPECT_NE(error_of("name: a, kind: attach, extraArgs: [-v]").find("belongs to kind static-pod, daemon-set or systemd"), std::string::npos);
}

TEST(launcher_config_kinds, core_is_looked_at_by_nobody_and_no_more) {
    const auto got = read("name: a, kind: core, binary: /opt/a, coreDir: /var/cores");
    ASSERT_TRUE(got) << got.error();
    EXPECT_EQ(got->components[0].user, "nobody");
    EXPECT_EQ(got->components[0].ceiling, (protocol::class_set{op_class::observe, op_class::read}));
    EXPECT_EQ(error_of("name: a, kind: core, binary: /opt/a, coreFile: /var/cores/a, ceiling: [observe]"), "none");
    for (const char* more : {"trace", "breakpoint", "control", "mutate", "files"})
        EXPECT_NE(error_of(std::string("name: a, kind: core, binary: /opt/a, coreFile: /var/cores/a, ceiling: [read, ") + more + "]")
                      .find("is dead"),
                  std::string::npos)
            << more;
    EXPECT_NE(error_of("name: a, kind: core, binary: /opt/a").find("needs a `coreFile`"), std::string::npos);
    EXPECT_NE(error_of("name: a, kind: core, binary: /opt/a, coreFile: /c/a, coreDir: /c").find("needs a `coreFile`"), std::string::npos);
    EXPECT_NE(error_of("name: a, kind: core, coreDir: /c").find("needs a debug binary"), std::string::npos);
    for (const char* root : {"root", "\"0\""})
        EXPECT_NE(error_of(std::string("name: a, kind: core, binary: /opt/a, coreDir: /c, user: ") + root).find("user"), std::string::npos);
}

TEST(launcher_config_kinds, a_ceiling_that_leaves_the_program_standing_is_refused) {
    for (const char* one : {"trace", "breakpoint", "mutate"}) {
        const std::string with = std::string("name: a, binary: /opt/a, ceiling: [observe, ") + one;
        EXPECT_NE(error_of(with + "]").find("needs `control` too"), std::string::npos) << one;
        EXPECT_EQ(error_of(with + ", control]"), "none");
    }
}

TEST(launcher_config_kinds, every_kind_has_its_name) {
    for (const auto kind : {component_kind::static_pod, component_kind::systemd, component_kind::attach, component_kind::core})
        EXPECT_EQ(kind_named(to_string(kind)), kind);
    EXPECT_FALSE(kind_named("daemon"));
}

}  // namespace
}  // namespace launcher
