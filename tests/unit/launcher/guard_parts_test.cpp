// The guard's smaller parts: message boundaries, settings, state file, words.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "launcher/fd.h"
#include "launcher/guard.h"
#include "launcher/guard_control.h"
#include "launcher/guard_memory.h"
#include "launcher/guard_words.h"
#include "launcher/reply_boundary.h"
#include "protocol/dap.h"

namespace launcher {
namespace {

using protocol::dialect;
using protocol::op_class;

void expect_boundaries(dialect d, const std::string& one, const std::string& two) {
    const std::string wire = one + two;
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        reply_boundary boundary(d);
        const auto first = boundary.pass(std::string_view(wire).substr(0, cut));
        if (cut == wire.size())
            EXPECT_EQ(first, wire.size());
        else if (cut >= one.size())
            EXPECT_EQ(first, one.size()) << cut;
        else
            EXPECT_FALSE(first) << cut;
        EXPECT_EQ(boundary.between(), cut == 0 || cut == one.size() || cut == wire.size()) << cut;
        if (cut == wire.size()) continue;
        EXPECT_EQ(boundary.pass(std::string_view(wire).substr(cut)), wire.size() - cut);
        EXPECT_TRUE(boundary.between());
        EXPECT_FALSE(boundary.failed());
    }
}

TEST(reply_boundary, is_found_at_every_cut) {
    expect_boundaries(dialect::rpc, "{\"id\":1,\"result\":{},\"error\":null}\n", "{\"id\":2,\"result\":null,\"error\":\"x\"}\n");
    expect_boundaries(dialect::dap, protocol::frame("{\"seq\":0}"), protocol::frame("{\"a\":\"Content-Length: 3\\r\\n\"}"));
}

TEST(reply_boundary, fails_on_what_is_not_dap) {
    reply_boundary boundary(dialect::dap);
    boundary.pass("{\"id\":1}\n");
    EXPECT_TRUE(boundary.failed());
}

// What a guard in such a state is asked before a gateway's connection is made.
std::vector<std::string> asked_before_a_connection(const protocol::json& status) {
    char pattern[] = "/tmp/delvegate-unit-XXXXXX";
    const std::string directory = ::mkdtemp(pattern);
    const std::string path = directory + "/control.sock";
    const unique_fd listening(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, path.size());
    EXPECT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(listening.get(), 4), 0);
    std::vector<std::string> asked;
    std::thread guard([&] {
        for (;;) {
            const unique_fd caller(::accept(listening.get(), nullptr, nullptr));
            std::array<char, 1024> bytes;
            const auto n = caller ? ::recv(caller.get(), bytes.data(), bytes.size(), 0) : 0;
            if (n <= 0) return;
            const auto request = protocol::parse_json({bytes.data(), static_cast<std::size_t>(n)});
            asked.emplace_back(request ? request->get_string("verb") : "");
            protocol::json answer = status;
            answer.set("ok", true);
            const auto text = to_text(answer);
            EXPECT_GT(::send(caller.get(), text.data(), text.size(), MSG_NOSIGNAL), 0);
        }
    });
    give_breakpoints_back(path);
    ::shutdown(listening.get(), SHUT_RDWR);
    guard.join();
    std::filesystem::remove_all(directory);
    return asked;
}

TEST(guard_control, a_new_gateway_finds_breakpoints_on_when_their_duty_is_done) {
    const auto state = [](bool off, bool done, int connections) {
        guard_status s;
        s.state = "running";
        s.breakpoints_off = off;
        s.duty_done = done;
        s.connections = static_cast<std::uint64_t>(connections);
        return to_json(s);
    };
    const std::vector<std::string> looks{"status"}, acts{"status", "breakpoints_on"};
    EXPECT_EQ(asked_before_a_connection(state(true, true, 0)), acts);
    EXPECT_EQ(asked_before_a_connection(state(false, true, 0)), looks);
    EXPECT_EQ(asked_before_a_connection(state(true, false, 0)), looks);
    EXPECT_EQ(asked_before_a_connection(state(true, true, 2)), looks) << "it would be halted under a gateway";
}

TEST(guard_settings, arrive_with_their_descriptors) {
    int pair[2], pipes[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    ASSERT_EQ(::pipe(pipes), 0);
    guard_settings sent;
    sent.control_fd = sent.listen_fd = pipes[0];
    sent.log_fd = pipes[1];
    sent.address.path = "/run/x.sock";
    sent.ceiling = {op_class::observe, op_class::lifecycle};
    sent.in_path = false;
    sent.budget = {std::chrono::seconds(8), std::chrono::seconds(25), "lease"};
    sent.duty = std::chrono::milliseconds(1500);
    sent.mercy = std::chrono::milliseconds(700);
    sent.entry_limit = std::chrono::milliseconds(90'000);
    sent.component = "kube-scheduler";
    sent.state_file = "/run/d/guard.json";
    ASSERT_TRUE(send_guard_settings(pair[0], sent));
    const auto got = receive_guard_settings(pair[1]);
    ASSERT_TRUE(got) << got.error();
    EXPECT_EQ(got->address, sent.address);
    EXPECT_EQ(got->ceiling, sent.ceiling);
    EXPECT_FALSE(got->in_path);
    EXPECT_TRUE(got->confine);
    EXPECT_EQ(got->budget.disturb, sent.budget.disturb);
    EXPECT_EQ(got->budget.damage, sent.budget.damage);
    EXPECT_EQ(got->duty, sent.duty);
    EXPECT_EQ(got->mercy, sent.mercy);
    EXPECT_EQ(got->entry_limit, sent.entry_limit);
    EXPECT_EQ(got->component, sent.component);
    EXPECT_EQ(got->state_file, sent.state_file);
    ASSERT_EQ(::write(got->log_fd, "x", 1), 1);
    char c = 0;
    EXPECT_EQ(::read(got->control_fd, &c, 1), 1);

    const std::string bad = R"({"address":"unix:/x","ceiling":["all"],"component":"c","stateFile":"/x","dutyMs":1})";
    ASSERT_GT(::send(pair[0], bad.data(), bad.size(), 0), 0);
    EXPECT_FALSE(receive_guard_settings(pair[1]));
    for (const int fd : {pair[0], pair[1], pipes[0], pipes[1], got->control_fd, got->listen_fd, got->log_fd}) ::close(fd);
}

TEST(guard_memory, is_replaced_whole_and_believed_only_from_us) {
    std::string directory = testing::TempDir() + "guard-XXXXXX";
    ASSERT_NE(::mkdtemp(directory.data()), nullptr);
    const auto memory = guard_memory::open(directory + "/state.json");
    ASSERT_TRUE(memory) << memory.error();
    EXPECT_TRUE(memory->read().is_null());
    guard_status status;
    status.state = "stopped";
    status.spent = std::chrono::milliseconds(1234);
    status.taken = protocol::json::array{protocol::json("b")};
    ASSERT_TRUE(memory->write(to_json(status)));
    const auto back = status_from(memory->read());
    EXPECT_EQ(back.spent, status.spent);
    EXPECT_EQ(back.taken, status.taken);
    struct stat info {};
    ASSERT_EQ(::stat((directory + "/state.json").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0600u);

    std::ofstream(directory + "/state.json") << "{ not json";
    EXPECT_TRUE(memory->read().is_null());
    std::filesystem::remove(directory + "/state.json");
    std::filesystem::create_symlink("/etc/passwd", directory + "/state.json");
    EXPECT_TRUE(memory->read().is_null());
    std::filesystem::remove_all(directory);
    EXPECT_FALSE(memory->write(to_json(status)));
    EXPECT_FALSE(guard_memory::open("/nonexistent/x/state.json"));
}

TEST(classes, have_names_and_nothing_else_is_one) {
    const protocol::class_set set{op_class::observe, op_class::mutate};
    const auto back = classes_of(class_names(set));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(*back, set);
    EXPECT_FALSE(classes_of(protocol::json("observe")));
    EXPECT_FALSE(classes_of(protocol::json::array{protocol::json("Observe")}));
    EXPECT_FALSE(classes_of(protocol::json::array{protocol::json(1)}));
}

}  // namespace
}  // namespace launcher
