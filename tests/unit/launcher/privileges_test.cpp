// Small parts of what keeps the gateway, and other processes of the node, from what is root's.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "launcher/debuggee_unit.h"
#include "launcher/fd.h"
#include "launcher/health_owner.h"
#include "launcher/oom_score.h"
#include "launcher/plan_key.h"
#include "launcher/reply_values.h"
#include "tests/support/trusted_directory.h"

namespace launcher {
namespace {

TEST(plan_key, seals_the_same_hash_the_same_way_and_is_roots_alone) {
    support::trusted_directory place;
    const std::string hash(64, 'a');
    const auto sealed = *plan_key::open(place / "state").seal(hash);
    EXPECT_EQ(sealed.size(), 64u);
    EXPECT_NE(sealed, hash);
    EXPECT_EQ(*plan_key::open(place / "state").seal(hash), sealed) << "a restart of the launcher changes no plan's hash";
    EXPECT_NE(*plan_key::open(place / "state").seal(std::string(64, 'b')), sealed);
    EXPECT_NE(*plan_key::open(place / "other").seal(hash), sealed) << "without the key nobody can try what a plan holds";
    struct stat info {};
    ASSERT_EQ(::stat((place / "state/plan.key").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    EXPECT_EQ(info.st_size, 32);
    // A key that somebody else may have written is none.
    ASSERT_EQ(::chmod((place / "state/plan.key").c_str(), 0666), 0);
    EXPECT_NE(*plan_key::open(place / "state").seal(hash), sealed);
}

TEST(plan_key, works_where_it_cannot_be_kept) {
    const auto key = plan_key::open("/proc/no-such-place");
    EXPECT_EQ(*key.seal("x"), *key.seal("x"));
    EXPECT_NE(*key.seal("x"), *plan_key::open("/proc/no-such-place").seal("x"));
}

struct listener {
    unique_fd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    health_check health;
    explicit listener(std::uint32_t address) {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(address);
        socklen_t size = sizeof where;
        EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
        EXPECT_EQ(::listen(socket.get(), 1), 0);
        EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&where), &size), 0);
        health.port = ntohs(where.sin_port);
    }
};

TEST(health_owner, believes_only_the_programs_own_socket) {
    for (const auto address : {INADDR_LOOPBACK, INADDR_ANY}) {
        listener here(address);
        for (const char* host : {"127.0.0.1", "localhost"}) {
            here.health.host = host;
            EXPECT_EQ(stranger_at(here.health, {::getpid(), 1}), "");
            EXPECT_NE(stranger_at(here.health, {1}).find("process " + std::to_string(::getpid()) + " listens there"), std::string::npos);
            EXPECT_NE(stranger_at(here.health, {}), "");
        }
        here.socket.reset();
        EXPECT_NE(stranger_at(here.health, {::getpid()}).find("nobody"), std::string::npos);
    }
}

TEST(reply_values, takes_out_what_is_read_and_nothing_else) {
    reply_values values;
    std::string out;
    const std::string state = R"({"id":1,"result":{"State":{"Running":false,"currentThread":{"id":7,"breakPointInfo":{"locals":[{"value":"s3cret"}]},)"
                              R"("ReturnValues":[{"value":"s3cret"}]},"currentGoroutine":{"id":1,"labels":{"k":"s3cret"}}}},"error":null})" "\n";
    const std::string plain = R"({"id":2,"result":{"Funcs":["main.main"]},"error":null})" "\n";
    for (const char c : state + plain) ASSERT_TRUE(values.pass(std::string_view(&c, 1), out));
    EXPECT_EQ(out.find("s3cret"), std::string::npos) << out;
    EXPECT_NE(out.find(R"("currentThread":{"id":7})"), std::string::npos) << out;
    EXPECT_TRUE(out.ends_with(plain)) << out;
    // A variable's value as an address: only a function of that name is a place.
    ASSERT_TRUE(values.asked("3", "main.secret"));
    EXPECT_FALSE(values.asked("3", "main.tick")) << "two under one number could be taken for each other";
    out.clear();
    ASSERT_TRUE(values.pass(R"({"id":3,"result":{"Locations":[{"pc":48879,"file":"","line":0,"function":null}]},"error":null})" "\n", out));
    EXPECT_EQ(out.find("48879"), std::string::npos) << out;
    EXPECT_FALSE(values.pass("HTTP/1.1 400\r\n", out));
}

TEST(oom_score, of_what_is_debugged_is_the_first_to_go) {
    EXPECT_EQ(oom_score_for({}), 100);
    EXPECT_EQ(oom_score_for(-997), 100) << "before the node's own services, which are at 0";
    EXPECT_EQ(oom_score_for(300), 400);
    EXPECT_EQ(oom_score_for(980), 1000);
    EXPECT_EQ(oom_words("kubelet", -999), "when the node is out of memory, dlv and kubelet are killed first: OOMScoreAdjust=100, "
                                          "the component's own is -999");
    std::ifstream file("/proc/self/oom_score_adj");
    int own = 0;
    ASSERT_TRUE(file >> own);
    EXPECT_EQ(oom_score_of(::getpid()), own);
    process_plan process;
    EXPECT_FALSE(own_oom_score(process));
    process.argv = {{std::filesystem::read_symlink("/proc/self/exe"), ""}};
    ASSERT_TRUE(own_oom_score(process));
    EXPECT_GE(*own_oom_score(process), own);
    process.argv = {{"/usr/bin/there-is-no-such-program", ""}};
    EXPECT_FALSE(own_oom_score(process));
}

TEST(debuggee_unit, knows_what_steers_a_program_of_roots) {
    for (const char* name : {"LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "GLIBC_TUNABLES", "GCONV_PATH"}) EXPECT_TRUE(steers_the_loader(name));
    for (const char* name : {"PATH", "GOGC", "HOME", "KUBELET_LD_X"}) EXPECT_FALSE(steers_the_loader(name));
}

}  // namespace
}  // namespace launcher
