// A dlv that somebody else started is known for what it is without being connected to.
#include "launcher/foreign.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "fixture.h"
#include "launcher/fd.h"

namespace launcher_test {
namespace {

using launcher::check_foreign;
using launcher::dlv_address;
using launcher::unique_fd;

class foreign : public with_either {
protected:
    void TearDown() override {
        if (pid_ > 0) {
            for (const pid_t child : children_of(pid_)) ::kill(child, SIGKILL);
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        launched::TearDown();
    }

    // dlv as a person would start it, in the test's directory.
    void run_dlv(std::vector<std::string> words) {
        const auto output = directory_ + "/foreign.log";
        words.insert(words.begin(), "dlv");
        std::vector<char*> argv;
        for (auto& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                         0600);
        posix_spawn_file_actions_adddup2(&actions, 1, 2);
        posix_spawn_file_actions_addchdir_np(&actions, directory_.c_str());
        ASSERT_EQ(
            ::posix_spawn(&pid_, tools().dlv.c_str(), &actions, nullptr, argv.data(), environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        ASSERT_TRUE(eventually([&] {
            const auto text = text_of(output);
            return text.find("listening at: ") != std::string::npos &&
                   text.find('\n', text.find("listening at: ")) != std::string::npos;
        })) << text_of(output);
        const auto text = text_of(output);
        const auto begin = text.find("listening at: ") + 14;
        announced_ = text.substr(begin, text.find('\n', begin) - begin);
    }
    void expect_refused(const dlv_address& address, const std::string& because) {
        const auto verdict = check_foreign(address);
        ASSERT_FALSE(verdict);
        EXPECT_NE(verdict.error().find(because), std::string::npos) << verdict.error();
        EXPECT_EQ(verdict.error().find('\n'), std::string::npos);
    }
    void expect_untouched() {
        // The program was launched, and neither it nor dlv has ended since.
        EXPECT_TRUE(eventually([&] { return !children_of(pid_).empty(); }));
        EXPECT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0);
    }

    pid_t pid_ = -1;
    std::string announced_;
};
INSTANTIATE_TEST_SUITE_P(dlv, foreign, testing::Bool(), name_of_dlv);

TEST_P(foreign, multiclient_dlv_is_taken) {
    ASSERT_NO_FATAL_FAILURE(run_dlv({"exec", "--headless", "--accept-multiclient",
                                     "--api-version=2", "--listen=127.0.0.1:0", family(tools())}));
    const auto found = check_foreign(*launcher::parse_address(announced_));
    ASSERT_TRUE(found) << found.error();
    EXPECT_EQ(found->pid, pid_);
    EXPECT_TRUE(found->command_line.starts_with("dlv exec --headless --accept-multiclient"))
        << found->command_line;
    expect_untouched();
}

TEST_P(foreign, dlv_of_one_client_is_left_untouched) {
    ASSERT_NO_FATAL_FAILURE(run_dlv(
        {"exec", "--headless", "--api-version=2", family(tools()), "--", "--accept-multiclient"}));
    expect_refused(*launcher::parse_address(announced_), "does not run with --accept-multiclient");
    expect_untouched();
}

TEST_P(foreign, dap_server_is_refused) {
    ASSERT_NO_FATAL_FAILURE(run_dlv({"dap", "--listen=127.0.0.1:0"}));
    expect_refused(*launcher::parse_address(announced_), "it is `dlv dap`");
    EXPECT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0);
}

TEST_P(foreign, dlv_at_every_address_is_refused) {
    ASSERT_NO_FATAL_FAILURE(run_dlv(
        {"exec", "--headless", "--accept-multiclient", "--listen=0.0.0.0:0", family(tools())}));
    const auto port = announced_.substr(announced_.rfind(':') + 1);
    expect_refused(*launcher::parse_address("127.0.0.1:" + port), "every address of this machine");
    expect_untouched();
}

TEST_P(foreign, dlv_on_a_unix_socket_is_taken_by_any_of_its_names) {
    if (!GetParam()) {
        // Too old to listen on one: it must be the new one that is tested then.
        ASSERT_LT(*launcher::version_of(tools().dlv), launcher::first_with_unix_sockets);
        return;
    }
    ASSERT_NO_FATAL_FAILURE(run_dlv(
        {"exec", "--headless", "--accept-multiclient", "--listen=unix:d.sock", family(tools())}));
    std::filesystem::create_symlink(directory_ + "/d.sock", directory_ + "/link.sock");
    for (const char* name : {"/d.sock", "/link.sock"}) {
        const auto found = check_foreign(*launcher::parse_address("unix:" + directory_ + name));
        ASSERT_TRUE(found) << found.error();
        EXPECT_EQ(found->pid, pid_);
    }
    expect_untouched();
}

TEST_P(foreign, listener_that_is_not_dlv_is_refused) {
    const unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
    ASSERT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
    const auto address =
        *launcher::parse_address("127.0.0.1:" + std::to_string(ntohs(at.sin_port)));
    expect_refused(address, "nothing listens at");
    ASSERT_EQ(::listen(fd.get(), 1), 0);
    expect_refused(address, "and is not dlv");
}

TEST_P(foreign, nothing_at_a_path_is_told_apart) {
    const auto path = directory_ + "/x.sock";
    const auto address = *launcher::parse_address("unix:" + path);
    expect_refused(address, "there is no dlv at");
    const unique_fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    expect_refused(address, "nothing listens at");
    ASSERT_EQ(::listen(fd.get(), 1), 0);
    expect_refused(address, "and is not dlv");
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    expect_refused(address, "is not a socket");
}

TEST_P(foreign, dlv_of_another_user_is_refused_over_tcp) {
    ASSERT_NO_FATAL_FAILURE(
        run_dlv({"exec", "--headless", "--accept-multiclient", family(tools())}));
    const auto address = *launcher::parse_address(announced_);
    if (::geteuid() != 0) {
        EXPECT_TRUE(check_foreign(address));
        return;
    }
    const auto words = in_child([&](int fd) {
        // Still root enough to see whose socket it is, but dlv will judge by the socket's owner.
        if (::setresuid(65534, 65534, 0) != 0)
            throw std::runtime_error("cannot become another user");
        const auto verdict = check_foreign(address);
        ::dprintf(fd, "%s", verdict ? "taken" : verdict.error().c_str());
    });
    EXPECT_NE(words.find("run delvegate as the user who started it"), std::string::npos) << words;
    expect_untouched();
}

}  // namespace
}  // namespace launcher_test
