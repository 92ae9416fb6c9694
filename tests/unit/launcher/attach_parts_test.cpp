// The parts of kind attach that need no dlv: a process that becomes another, what is left of one, what it reads.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "launcher/attach_target.h"
#include "launcher/config_of_process.h"
#include "launcher/detacher.h"
#include "launcher/left_behind.h"
#include "launcher/process_tree.h"
#include "launcher/waiting.h"
#include "tests/support/trusted_directory.h"
#include "tests/unit/launcher/scratch_directory.h"

namespace launcher {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A child for as long as a test; it does what it is told to, and is killed at the end.
class child {
public:
    explicit child(const std::function<void()>& does) : pid_(::fork()) {
        if (pid_ == 0) {
            does();
            ::_exit(0);
        }
        wait_until(seconds(5), [this] { return mark_process(pid_).pid != 0; });
        mark_ = mark_process(pid_);
    }
    ~child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    pid_t pid() const { return pid_; }
    const process_mark& mark() const { return mark_; }
    char state() const {
        process_stat stat;
        return read_stat(pid_, stat) ? stat.state : '\0';
    }
    bool comes_to(char wanted) const { return wait_until(seconds(10), [&] { return state() == wanted; }); }

private:
    pid_t pid_;
    process_mark mark_;
};

component_plan plan_of(const std::string& container = {}) {
    component_plan plan;
    plan.definition.name = "proxy";
    plan.definition.kind = component_kind::attach;
    plan.definition.container = container;
    plan.process.mode = dlv_mode::attach;
    plan.budget.damage = seconds(60);
    plan.budget.disturb = seconds(30);
    return plan;
}

TEST(attach_target, another_program_in_the_same_process_is_noticed) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    child process([&] {
        ::dup2(ends[0], 0);
        ::close(ends[1]);
        ::execl("/bin/sh", "sh", "-c", "read word; exec sleep 1000", nullptr);
    });
    ASSERT_TRUE(wait_until(seconds(10), [&] {
        const auto seen = read_process(process.pid());
        return seen && !seen->argv.empty() && seen->argv[0] == "sh";
    }));
    component_definition definition;
    definition.name = "app";
    definition.user = std::to_string(::getuid());
    attach_target target;
    target.process = *read_process(process.pid());
    target.pidfd = unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid(), 0)));
    target.program = program_of(process.pid());
    EXPECT_TRUE(still_itself(target));
    ASSERT_EQ(::write(ends[1], "x\n", 2), 2);
    EXPECT_TRUE(wait_until(seconds(10), [&] { return !still_itself(target); }));
    EXPECT_TRUE(still_running(process.mark())) << "number and start time are the same";
    ::close(ends[0]);
    ::close(ends[1]);
}

// --- what is left

component_definition attach_definition() {
    component_definition definition;
    definition.name = "app";
    definition.kind = component_kind::attach;
    return definition;
}

detachment row_of(const process_mark& debuggee) {
    detachment row;
    row.component = "app";
    row.kind = component_kind::attach;
    row.unit = "delvegate-debuggee-app.service";
    row.since = now();
    row.debuggee = debuggee;
    return row;
}

TEST(attached, what_dlv_left_standing_goes_on) {
    child process([] {
        for (;;) ::pause();
    });
    ::kill(process.pid(), SIGSTOP);
    ASSERT_TRUE(process.comes_to('T'));
    const auto kind = make_attached(attach_definition());
    // Planned only: dlv was never started, and whoever has stopped it was not us.
    auto row = row_of(process.mark());
    row.unit.clear();
    ASSERT_TRUE(kind->put_back(row, {}));
    EXPECT_EQ(process.state(), 'T');
    const auto back = kind->put_back(row_of(process.mark()), {});
    ASSERT_TRUE(back);
    EXPECT_TRUE(process.comes_to('S'));
    ASSERT_EQ(back->remarks.size(), 1u);
    EXPECT_NE(back->remarks[0].find("was continued"), std::string::npos);
}

TEST(attached, that_it_has_ended_is_said) {
    process_mark mark;
    {
        child process([] { ::pause(); });
        mark = process.mark();
    }
    const auto back = make_attached(attach_definition())->put_back(row_of(mark), {});
    ASSERT_TRUE(back);
    EXPECT_EQ(back->remarks, std::vector<std::string>{"process " + std::to_string(mark.pid) + " has ended"});
}

TEST(attached, the_journal_knows_the_process_from_the_first_step_on) {
    auto plan = plan_of();
    plan.process.target = {4000, 77};
    const auto known = make_attached(attach_definition())->known(plan);
    ASSERT_TRUE(known.debuggee);
    EXPECT_EQ(*known.debuggee, plan.process.target);
    EXPECT_TRUE(known.node);
}

TEST(left_behind, is_told_while_it_lives) {
    const support::trusted_directory state;
    EXPECT_FALSE(left_behind(state.path(), "app"));
    process_mark mark;
    {
        child process([] { ::pause(); });
        mark = process.mark();
        ASSERT_TRUE(keep_left_behind(state.path(), "app", mark));
        const auto found = left_behind(state.path(), "app");
        ASSERT_TRUE(found);
        EXPECT_EQ(*found, mark);
        EXPECT_FALSE(left_behind(state.path(), "other"));
        // The same number, another process.
        ASSERT_TRUE(keep_left_behind(state.path(), "other", {mark.pid, mark.started + 1}));
        EXPECT_FALSE(left_behind(state.path(), "other"));
    }
    EXPECT_FALSE(left_behind(state.path(), "app"));
    EXPECT_FALSE(std::filesystem::exists(state / "left-behind/app"));
}

// --- files as the process sees them

TEST(read_file_of, follows_no_link_out_of_the_root_directory) {
    const scratch_directory all;
    all.write("etc/secret", "the node's");
    all.write("root/etc/config", "the container's");
    all.write("root/home/here/config", "beside it");
    std::filesystem::create_symlink("/etc/secret", all / "root/etc/link");
    std::filesystem::create_symlink("../../../../../../etc/config", all / "root/etc/up");
    std::filesystem::create_directories(all / "proc/44");
    std::filesystem::create_symlink(all / "root", all / "proc/44/root");
    std::filesystem::create_symlink("/home/here", all / "proc/44/cwd");
    ASSERT_EQ(::mkfifo((all / "root/etc/fifo").c_str(), 0600), 0);
    const auto read = [&](const std::string& path) {
        const auto text = read_file_of({44, 7}, path, all / "proc");
        return text ? *text : "error: " + text.error();
    };
    EXPECT_EQ(read("/etc/config"), "the container's");
    EXPECT_EQ(read("/../../etc/config"), "the container's");
    EXPECT_EQ(read("/etc/up"), "the container's");
    EXPECT_EQ(read("config"), "beside it");
    EXPECT_EQ(read("/etc/link"), "error: /etc/link of process 44 cannot be read: No such file or directory");
    EXPECT_NE(read("/etc/fifo").find("not a regular file"), std::string::npos);
}

TEST(plan_budget, tells_what_it_could_not_read) {
    child process([] {
        for (;;) ::pause();
    });
    auto plan = plan_of();
    plan.process.target = process.mark();
    plan.process.argv = {{"kube-scheduler", ""}, {"--config=/nonexistent/scheduler.yaml", ""}};
    plan_budget(plan, "kube-scheduler");
    ASSERT_EQ(plan.findings.size(), 1u);
    EXPECT_NE(plan.findings[0].text.find("/nonexistent/scheduler.yaml of process"), std::string::npos) << plan.findings[0].text;
}

TEST(plan_budget, of_a_kubelet_counts_the_lease_of_its_own_configuration) {
    const support::trusted_directory place;
    const auto budget = [&](const std::string& config) {
        std::ofstream(place / "config.yaml") << config;
        component_plan plan;
        plan.process.working_directory = place.path();
        plan.process.image_version = "v1.34.1";
        plan.process.argv = {{"/usr/bin/kubelet", ""}, {"--config=config.yaml", ""}};
        plan_budget(plan, "kubelet");
        EXPECT_EQ(plan.findings.size(), config == "a: [" ? 1u : 0u);
        return plan.budget;
    };
    // Without static pods it has no manifest directory, and a lease all the same.
    EXPECT_EQ(budget("nodeLeaseDurationSeconds: 80\n").damage, seconds(50 - 20 - 5));
    EXPECT_EQ(budget("nodeLeaseDurationSeconds: 80\n").duty, seconds(20 + 1));
    EXPECT_EQ(budget("kind: KubeletConfiguration\n").damage, seconds(50 - 10 - 5));
    EXPECT_EQ(budget("a: [").damage, seconds(50 - 10 - 5));
}

// --- dlv is root's to run

TEST(plan_binary, a_dlv_that_others_may_write_is_not_run) {
    const support::trusted_directory place;
    const auto dlv = place / "dlv", ran = place / "ran";
    std::ofstream(dlv) << "#!/bin/sh\ntouch " + ran + "\necho 'Delve Debugger\nVersion: 1.27.1'\n";
    ::chmod(dlv.c_str(), 0777);
    ::mkdir((place / "cores").c_str(), 0755);
    std::string head(64, '\0');
    head.replace(0, 5, "\x7f" "ELF\x02");
    head[16] = 4;  // ET_CORE
    std::ofstream(place / "cores/core") << head;
    std::ofstream(place / "program") << "";
    component_definition definition;
    definition.name = "app";
    definition.kind = component_kind::core;
    definition.core_directory = place / "cores";
    definition.binary = place / "program";
    definition.user = "65534";
    definition.dlv = dlv;
    const auto plan = make_core_dump(definition)->inspect({});
    ASSERT_TRUE(plan) << plan.error();
    std::string said;
    for (const auto& one : plan->findings)
        if (one.how == severity::refusal) said += one.text + "\n";
    EXPECT_NE(said.find("can be written by others"), std::string::npos) << said;
    EXPECT_FALSE(std::filesystem::exists(ran)) << "it was executed";
}

}  // namespace
}  // namespace launcher
