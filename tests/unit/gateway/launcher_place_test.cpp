// Whom a command asks that names no gateway.
#include "gateway/launcher_place.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "gateway/contexts.h"
#include "tests/unit/gateway/loop.h"

namespace gateway {
namespace {

struct launcher_place_test : testing::Test {
    launcher_place_test() {
        ::setenv("XDG_CONFIG_HOME", directory.path().c_str(), 1);
        place.config_file = directory.path() + "/launcher.yaml";
    }
    ~launcher_place_test() override { ::unsetenv("XDG_CONFIG_HOME"); }
    void enrol(const std::string& name = "lab") {
        context_store store;
        auto draft = store.begin();
        ASSERT_TRUE(draft) << draft.error();
        laptop_context one;
        one.name = name;
        one.gateway = {"node2.example", 7443};
        ASSERT_TRUE(draft->commit(one, "identity", "ca"));
    }
    temporary_directory directory;
    launcher_place place;
    const std::string socket = directory.path() + "/launcher.sock";
};

TEST_F(launcher_place_test, a_laptop_asks_its_gateway) {
    EXPECT_FALSE(place.remote(socket)) << "it has none";
    enrol();
    EXPECT_TRUE(place.remote(socket));
}

TEST_F(launcher_place_test, a_node_never_asks_another_nodes_gateway) {
    enrol();
    std::ofstream(place.config_file) << "components: []\n";
    EXPECT_FALSE(place.remote(socket)) << "its launcher is down";
    place.gateway.gateway = "node2.example";
    EXPECT_TRUE(place.remote(socket)) << "named";
}

TEST_F(launcher_place_test, a_socket_that_cannot_be_seen_is_no_reason) {
    enrol();
    std::ofstream(directory.path() + "/file") << "";
    EXPECT_FALSE(place.remote(directory.path() + "/file/launcher.sock")) << "ENOTDIR is not ENOENT";
    std::ofstream(socket) << "";
    EXPECT_FALSE(place.remote(socket)) << "somebody is there";
}

TEST_F(launcher_place_test, what_is_wrong_on_the_laptop_is_the_command_lines) {
    enrol();
    launcher::launcher_request request;
    request.verb = launcher::launcher_verb::inspect;
    request.component = "app";
    place.gateway.context = "nowhere";
    auto answer = place.ask(socket, request);
    ASSERT_FALSE(answer);
    EXPECT_TRUE(answer.error().usage) << answer.error().text;
    place.gateway.context = "lab";  // whose identity is none
    testing::internal::CaptureStderr();
    answer = place.ask(socket, request);
    EXPECT_NE(testing::internal::GetCapturedStderr().find("node2.example:7443"), std::string::npos) << "it is not said who is asked";
    ASSERT_FALSE(answer);
    EXPECT_TRUE(answer.error().usage) << answer.error().text;
    EXPECT_FALSE(answer.error().unreachable);
}

}  // namespace
}  // namespace gateway
