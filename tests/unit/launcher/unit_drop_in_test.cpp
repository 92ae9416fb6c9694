// What is written into a drop-in; that systemd reads it so is seen on a node (tests/integration/launcher/systemd).
#include "launcher/unit_drop_in.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

unit_plan plan_of() {
    unit_plan plan;
    plan.unit = "x.service";
    plan.way = unit_way::drop_in;
    plan.properties.id = plan.unit;
    plan.properties.kill_mode = "control-group";
    plan.properties.exec_start = {{"/usr/bin/x", {"/usr/bin/x", "--a"}, {}}};
    return plan;
}

drop_in_request request_of() {
    drop_in_request request;
    request.session = std::string(32, 'a');
    request.dlv = "/usr/bin/dlv";
    request.binary = "/opt/debug/x";
    request.listen = "127.0.0.1:4000";
    return request;
}

std::string written(const unit_plan& plan, const drop_in_request& request) {
    const auto made = make_drop_in(plan, request, "/run/systemd/system");
    EXPECT_TRUE(made) << made.error();
    return made ? made->text : std::string();
}

bool says(const std::string& text, const std::string& line) { return text.find("\n" + line + "\n") != std::string::npos; }

TEST(unit_drop_in, HasTheComponentsMemoryLimit) {
    auto request = request_of();
    auto text = written(plan_of(), request);
    EXPECT_EQ(text.find("MemoryMax="), std::string::npos) << "memoryLimit: 0";
    EXPECT_EQ(text.find("OOMPolicy="), std::string::npos);
    request.memory_limit = 8ull << 30;
    text = written(plan_of(), request);
    for (const auto* line : {"MemoryMax=8589934592", "MemorySwapMax=0", "OOMPolicy=kill"}) EXPECT_TRUE(says(text, line)) << line << text;
}

TEST(unit_drop_in, RaisesTheUnitsOwnAndNoMore) {
    auto plan = plan_of();
    plan.properties.memory_max = 700ull << 20;
    plan.properties.memory_high = 600ull << 20;
    auto request = request_of();
    request.memory_limit = 8ull << 30;
    request.memory_needed = 2ull << 30;
    const auto text = written(plan, request);
    EXPECT_TRUE(says(text, "MemoryMax=" + std::to_string((700ull << 20) + (2ull << 30)))) << text;
    EXPECT_TRUE(says(text, "MemoryHigh=" + std::to_string((600ull << 20) + (2ull << 30)))) << text;
    request.memory_limit = 1ull << 30;
    EXPECT_TRUE(says(written(plan, request), "MemoryMax=1073741824"));
}

TEST(unit_drop_in, LeavesOthersOfTheCgroupAliveWhereTheyAreMeantTo) {
    auto plan = plan_of();
    plan.properties.kill_mode = "process";
    auto request = request_of();
    request.memory_limit = 1ull << 30;
    EXPECT_TRUE(says(written(plan, request), "OOMPolicy=stop"));
}

TEST(unit_drop_in, SaysHowItIsUndoneByHand) {
    auto request = request_of();
    request.undo = {"systemctl stop x.service", "rm a\nExecStart=/bin/evil", "systemctl start x.service"};
    const auto text = written(plan_of(), request);
    EXPECT_TRUE(says(text, "# By hand:\n#   systemctl stop x.service\n#   systemctl start x.service")) << text;
    EXPECT_EQ(text.find("evil"), std::string::npos);
}

}  // namespace
}  // namespace launcher
