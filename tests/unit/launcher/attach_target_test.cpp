#include "launcher/attach_target.h"

#include <gtest/gtest.h>

#include "launcher/command_line.h"
#include "tests/unit/launcher/scratch_directory.h"

namespace launcher {
namespace {

class attach_target_fake : public ::testing::Test {
protected:
    attach_target_fake() {
        definition_.name = "proxy";
        definition_.kind = component_kind::attach;
        definition_.user = "root";
        definition_.executable = "/usr/local/bin/kube-proxy";
        process_.pid = 4000;
        process_.executable = definition_.executable;
        status("0", "000001ffffffffff");
        scope("0");
    }
    void status(const std::string& tracer, const std::string& capabilities) {
        proc_.write("4000/status", "Name:\tkube-proxy\nTracerPid:\t" + tracer + "\nCapPrm:\t" + capabilities + "\n");
    }
    void scope(const std::string& value) { proc_.write("sys/kernel/yama/ptrace_scope", value + "\n"); }
    std::string refusals() const {
        std::vector<finding> findings;
        check_attach_target(definition_, process_, findings, proc_.path());
        std::string out;
        for (const auto& one : findings) {
            EXPECT_EQ(one.how, severity::refusal);
            out += one.text + "\n";
        }
        return out;
    }
    bool refused_for(std::string_view words) const { return refusals().find(words) != std::string::npos; }

    const scratch_directory proc_;
    component_definition definition_;
    live_process process_;
};

TEST_F(attach_target_fake, what_root_has_said_is_fine) { EXPECT_EQ(refusals(), ""); }

TEST_F(attach_target_fake, another_user_is_refused) {
    process_.uid = 1000;
    status("0", "0000000000000000");
    EXPECT_EQ(refusals(), "process 4000 runs as uid 1000, not as root\n");
    definition_.user = "1000";
    EXPECT_EQ(refusals(), "");
}

TEST_F(attach_target_fake, another_program_is_refused) {
    process_.executable = "/tmp/kube-proxy";
    EXPECT_EQ(refusals(), "process 4000 runs /tmp/kube-proxy, not /usr/local/bin/kube-proxy\n");
    definition_.executable.clear();
    EXPECT_EQ(refusals(), "");
}

TEST_F(attach_target_fake, a_tracer_is_named_by_its_process) {
    // The kernel tells the thread.
    status("4105", "000001ffffffffff");
    proc_.write("4105/status", "Name:\tdlv\nTgid:\t4100\n");
    EXPECT_EQ(tracer_of(4000, proc_.path()), 4100);
    EXPECT_TRUE(refused_for("traced already, by process 4100"));
}

TEST_F(attach_target_fake, yama_and_capabilities_keep_an_unprivileged_dlv_out) {
    scope("1");
    EXPECT_EQ(refusals(), "");  // root's dlv may
    process_.uid = 1000;
    definition_.user = "1000";
    status("0", "0000000000000400");
    EXPECT_TRUE(refused_for("holds capabilities"));
    EXPECT_TRUE(refused_for("ptrace_scope is 1"));
    scope("3");
    EXPECT_TRUE(refused_for("until the next boot"));
    process_.uid = 0;
    definition_.user = "root";
    EXPECT_TRUE(refused_for("until the next boot"));
}

TEST_F(attach_target_fake, the_first_process_is_never_stopped) {
    process_.pid = 1;
    EXPECT_TRUE(refused_for("process 1 is not to be stopped"));
}

TEST(attach_target, is_looked_for_as_root_has_said) {
    component_definition definition;
    definition.name = "none";
    definition.kind = component_kind::attach;
    definition.user = "root";
    definition.process = "no-such-program-anywhere";
    const auto none = find_attach_target(definition);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error(),
              "component none: there is no process no-such-program-anywhere of root outside of containers");
    definition.process.clear();
    definition.pid_file = "/nonexistent/pid";
    EXPECT_FALSE(find_attach_target(definition));
}

TEST(attach_command_line, lets_go_on_or_not) {
    EXPECT_EQ(attach_command_line("/usr/bin/dlv", "unix:/run/x", 12, "", true),
              (std::vector<std::string>{"/usr/bin/dlv", "attach", "--headless", "--accept-multiclient", "--api-version=2",
                                        "--listen=unix:/run/x", "--continue", "12"}));
    EXPECT_EQ(attach_command_line("/usr/bin/dlv", "127.0.0.1:0", 12, "/opt/debug/x", false),
              (std::vector<std::string>{"/usr/bin/dlv", "attach", "--headless", "--accept-multiclient", "--api-version=2",
                                        "--listen=127.0.0.1:0", "12", "/opt/debug/x"}));
    EXPECT_EQ(core_command_line("/usr/bin/dlv", "127.0.0.1:0", "/opt/debug/x", "/cores/x").back(), "/cores/x");
}

}  // namespace
}  // namespace launcher
