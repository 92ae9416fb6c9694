// Whoever dies, in whatever order: nothing is left running.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "fixture.h"

namespace launcher_test {
namespace {

using launcher::dlv_process;

class death : public with_either {
protected:
    // dlv with a program that runs, has a child, and a child in a session of its own.
    void start_family() {
        auto started = dlv_process::start(spec(tools(), {"family", directory_ + "/pids"}));
        ASSERT_TRUE(started) << started.error();
        dlv_.emplace(std::move(*started));
        ASSERT_NO_FATAL_FAILURE(await_ready(*dlv_));
        ASSERT_NO_FATAL_FAILURE(send_continue(dlv_->address()));
        family_ = read_family();
        ASSERT_EQ(family_.size(), 3u);
    }

    std::vector<pid_t> read_family() const {
        const auto file = directory_ + "/pids";
        EXPECT_TRUE(eventually([&] { return std::filesystem::exists(file); }));
        std::istringstream text(text_of(file));
        std::vector<pid_t> pids;
        for (pid_t pid = 0; text >> pid;) pids.push_back(pid);
        return pids;
    }

    pid_t supervisor() const {
        launcher::process_stat stat;
        return launcher::read_stat(dlv_->dlv_pid(), stat) ? stat.parent : -1;
    }

    // Of a process that lost its parent we may be the reaper.
    static bool has_ended(pid_t pid) {
        launcher::process_stat stat;
        if (!launcher::read_stat(pid, stat)) return true;
        if (stat.parent == ::getpid() && stat.state == 'Z') ::waitpid(pid, nullptr, WNOHANG);
        return false;
    }

    void expect_family_gone() const {
        for (const pid_t pid : family_)
            EXPECT_TRUE(eventually([&] { return has_ended(pid); })) << pid;
    }

    std::optional<dlv_process> dlv_;
    std::vector<pid_t> family_;
};
INSTANTIATE_TEST_SUITE_P(dlv, death, testing::Bool(), name_of_dlv);

TEST_P(death, of_the_object_takes_everybody_along) {
    ASSERT_NO_FATAL_FAILURE(start_family());
    const auto dlv = dlv_->dlv_pid();
    dlv_.reset();
    // At once: the destructor has waited.
    EXPECT_TRUE(is_gone(dlv));
    for (const pid_t pid : family_) EXPECT_TRUE(is_gone(pid)) << pid;
    EXPECT_TRUE(children_of(::getpid()).empty());
    expect_no_traces();
}

TEST_P(death, on_order_takes_everybody_along) {
    ASSERT_NO_FATAL_FAILURE(start_family());
    dlv_->kill_now();
    const auto exit = await_exit(*dlv_);
    EXPECT_TRUE(exit.asked);
    for (const pid_t pid : family_) EXPECT_TRUE(is_gone(pid)) << pid;
    expect_no_traces();
}

TEST_P(death, of_dlv_takes_everybody_along) {
    ASSERT_NO_FATAL_FAILURE(start_family());
    ::kill(dlv_->dlv_pid(), SIGKILL);
    const auto exit = await_exit(*dlv_);
    EXPECT_EQ(exit.signal, SIGKILL);
    EXPECT_FALSE(exit.asked);
    EXPECT_NE(exit.reason.find("killed by SIGKILL"), std::string::npos) << exit.reason;
    for (const pid_t pid : family_) EXPECT_TRUE(is_gone(pid)) << pid;
    expect_no_traces();
}

TEST_P(death, of_the_program_leaves_dlv_to_say_so) {
    ASSERT_NO_FATAL_FAILURE(start_family());
    ::kill(family_[0], SIGKILL);
    EXPECT_TRUE(eventually([&] { return is_gone(family_[0]); }));
    const auto address = dlv_->address();
    EXPECT_TRUE(
        eventually([&] { return ask(address, "State").find("has exited") != std::string::npos; }));
    dlv_->terminate();
    const auto exit = await_exit(*dlv_);
    EXPECT_EQ(exit.signal, 0);
    expect_family_gone();
    expect_no_traces();
}

TEST_P(death, of_the_supervisor_takes_everybody_along) {
    ASSERT_NO_FATAL_FAILURE(start_family());
    ASSERT_EQ(::kill(supervisor(), SIGKILL), 0);
    const auto exit = await_exit(*dlv_);
    EXPECT_NE(exit.reason.find("supervisor"), std::string::npos) << exit.reason;
    EXPECT_TRUE(eventually([&] { return has_ended(dlv_->dlv_pid()); }));
    if (dlv_->memory_limit().find("together") == std::string::npos) {
        // Who left the session can then be found only where a cgroup holds it.
        ::kill(family_.back(), SIGKILL);
    }
    expect_family_gone();
    expect_no_traces();
}

TEST_P(death, of_a_service_is_orderly) {
    ASSERT_NO_FATAL_FAILURE(start_family());
    ASSERT_EQ(::kill(supervisor(), SIGTERM), 0);
    const auto exit = await_exit(*dlv_);
    EXPECT_TRUE(exit.asked);
    EXPECT_EQ(exit.code, 0);
    EXPECT_EQ(exit.signal, 0);
    expect_family_gone();
}

TEST_P(death, comes_to_a_wedged_dlv_as_well) {
    ASSERT_NO_FATAL_FAILURE(start_family());
    ::kill(dlv_->dlv_pid(), SIGSTOP);
    dlv_->terminate();
    const auto exit = await_exit(*dlv_);
    EXPECT_EQ(exit.signal, SIGKILL);
    EXPECT_TRUE(exit.asked);
    EXPECT_NE(exit.reason.find("did not end within 3 s"), std::string::npos) << exit.reason;
    for (const pid_t pid : family_) EXPECT_TRUE(is_gone(pid)) << pid;
    expect_no_traces();
}

TEST_P(death, comes_before_dlv_is_ready) {
    auto started = dlv_process::start(spec(tools()));
    ASSERT_TRUE(started) << started.error();
    const auto dlv = started->dlv_pid();
    started->terminate();
    const auto exit = await_exit(*started);
    EXPECT_TRUE(exit.asked);
    EXPECT_TRUE(is_gone(dlv));
    expect_no_traces();
}

TEST_P(death, of_the_owner_takes_everybody_along) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t owner = ::fork();
    if (owner == 0) {
        start_family();
        if (HasFatalFailure()) ::_exit(1);
        const pid_t pids[] = {dlv_->dlv_pid(), supervisor()};
        [[maybe_unused]] const auto n = ::write(ends[1], pids, sizeof pids);
        for (;;) ::pause();
    }
    ::close(ends[1]);
    pid_t pids[2] = {};
    ASSERT_EQ(::read(ends[0], pids, sizeof pids), static_cast<ssize_t>(sizeof pids));
    family_ = read_family();
    ASSERT_EQ(family_.size(), 3u);
    ::kill(owner, SIGKILL);
    ::waitpid(owner, nullptr, 0);
    expect_family_gone();
    for (const pid_t pid : pids) EXPECT_TRUE(eventually([&] { return has_ended(pid); })) << pid;
    expect_no_traces();
    ::close(ends[0]);
}

}  // namespace
}  // namespace launcher_test
