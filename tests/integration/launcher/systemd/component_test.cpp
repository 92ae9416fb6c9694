// A service with a real Go program, taken out under a real dlv and put back.
#include "launcher/systemd_component.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "fixture.h"

namespace {

using launcher::severity;
using systemd_test::eventually;
using systemd_test::program;
using systemd_test::text_of;
using systemd_test::write_file;
using words = std::vector<std::string>;

constexpr const char* unit = "debuggee.service";
constexpr const char* session = "0123456789abcdef0123456789abcdef";
const std::string drop_in_path = "/run/systemd/system/debuggee.service.d/90-delvegate.conf";

class component : public systemd_test::node {
protected:
    void SetUp() override {
        node::SetUp();
        definition_.name = "debuggee";
        definition_.dlv = program("DLV");
        definition_.binary = program("DEBUGGEE");
        // Not the debug binary itself, so that the two can be told apart.
        original_ = directory + "/original";
        std::filesystem::copy_file(program("DEBUGGEE"), original_);
        write_file("/srv/arguments.env", "ARGUMENTS=\"--one=1 '--two=a b'\"\nSECRET=hidden\n");
    }

    // The unit as it is installed, running.
    void install(const std::string& more = {}) {
        unit_file(unit, "[Service]\nExecStart=" + original_ +
                            " $ARGUMENTS \"x  y\" 100%% ${PLAIN}z $$HOME\nEnvironment=PLAIN=\"p q\"\n"
                            "EnvironmentFile=/srv/arguments.env\nRestart=always\nRestartSec=100ms\nTimeoutStopSec=5\n" + more);
        must(systemd().reload());
        must(systemd().start(unit));
        ASSERT_TRUE(eventually([&] { return command_line(properties(unit).main_pid) == with(original_); }));
    }

    static words with(const std::string& executable) {
        return {executable, "--one=1", "--two=a b", "x  y", "100%", "p qz", "$HOME"};
    }

    launcher::systemd_component component_of() { return {systemd(), definition_}; }

    launcher::unit_plan plan() {
        auto found = component_of().inspect();
        if (!found) throw std::runtime_error(found.error());
        return *found;
    }

    launcher::drop_in prepared(const launcher::unit_plan& plan) {
        std::filesystem::create_directories("/run/t");
        const auto listen = launcher::systemd_component::choose_listen(plan, definition_.dlv, "/run/t");
        if (!listen) throw std::runtime_error(listen.error());
        listen_ = *listen;
        launcher::drop_in_request request{session, definition_.dlv, definition_.binary, *listen, {"--added=$ONE %n"}, true};
        request.memory_limit = definition_.memory_limit;
        const auto made = component_of().prepare(plan, request);
        if (!made) throw std::runtime_error(made.error());
        return *made;
    }

    static std::string said(const launcher::unit_plan& plan) {
        std::string text;
        for (const auto& f : plan.findings) text += (f.how == severity::refusal ? "REFUSED " : "") + f.text + "\n";
        return text;
    }

    void expect_as_before(const launcher::unit_plan& before) {
        EXPECT_FALSE(std::filesystem::exists(drop_in_path));
        const auto checked = component_of().check_returned(before);
        ASSERT_TRUE(checked) << checked.error();
        EXPECT_TRUE(checked->empty()) << checked->front().text;
        EXPECT_TRUE(eventually([&] { return command_line(properties(unit).main_pid) == with(original_); }));
    }

    launcher::component_definition definition_;
    std::string original_, listen_;
};

TEST_F(component, the_plan_is_the_live_process) {
    install();
    const auto found = plan();
    EXPECT_EQ(found.way, launcher::unit_way::drop_in) << said(found);
    EXPECT_EQ(found.program, original_);
    words argv;
    for (const auto& word : found.process.argv) argv.push_back(word.value);
    EXPECT_EQ(argv, command_line(properties(unit).main_pid));
    EXPECT_EQ(found.process.argv[1].source, "ExecStart[1] $ARGUMENTS from /srv/arguments.env");
    EXPECT_EQ(found.process.grace, std::chrono::seconds(5));
    EXPECT_EQ(found.process.uid, 0u);
    EXPECT_EQ(found.process.working_directory, "/");
    bool secret = false;
    for (const auto& [name, word] : found.process.env) {
        EXPECT_NE(name, "INVOCATION_ID");
        if (name == "SECRET") secret = word.value == "hidden" && word.source == "/srv/arguments.env";
    }
    EXPECT_TRUE(secret);
    EXPECT_EQ(said(found).find("hidden"), std::string::npos);
    EXPECT_EQ(said(found).find("differ"), std::string::npos) << said(found);
}

TEST_F(component, what_another_users_process_says_of_itself_is_not_believed) {
    const std::string program = "/srv/original";
    std::filesystem::copy_file(original_, program, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::permissions(program, std::filesystem::perms(0755));
    const auto install = [&](const std::string& user) {
        unit_file(unit, "[Service]\n" + user + "ExecStart=/usr/bin/env LD_PRELOAD_X=evil " + program + " --evil\n");
        must(systemd().reload());
        must(systemd().start(unit));
        ASSERT_TRUE(eventually([&] { return command_line(properties(unit).main_pid) == words{program, "--evil"}; }));
    };
    const auto seen = [&] {
        const auto found = plan();
        std::string text = std::to_string(found.process.uid) + " " + found.program;
        for (const auto& word : found.process.argv) text += " " + word.value;
        for (const auto& [name, word] : found.process.env)
            if (name == "LD_PRELOAD_X") text += " " + name;
        return text;
    };
    install("User=nobody\n");
    EXPECT_EQ(seen(), "65534 /usr/bin/env /usr/bin/env LD_PRELOAD_X=evil " + program + " --evil");
    must(systemd().stop(unit));
    // What root's process says, root says.
    install("");
    EXPECT_EQ(seen(), "0 " + program + " " + program + " --evil LD_PRELOAD_X");
    must(systemd().stop(unit));
}

TEST_F(component, an_environment_file_without_an_end_holds_nobody_up) {
    ASSERT_TRUE(::mkfifo("/srv/fifo.env", 0644) == 0 || errno == EEXIST);
    unit_file(unit, "[Service]\nExecStart=" + original_ + "\nEnvironmentFile=/srv/fifo.env\n");
    must(systemd().reload());
    EXPECT_NE(said(plan()).find("REFUSED environment file /srv/fifo.env cannot be read: not a regular file"), std::string::npos) << said(plan());
    unit_file(unit, "[Service]\nExecStart=" + original_ + "\nEnvironmentFile=/dev/zero\n");
    must(systemd().reload());
    EXPECT_NE(said(plan()).find("REFUSED environment file /dev/zero cannot be read: not a regular file"), std::string::npos) << said(plan());
}

TEST_F(component, a_file_that_was_edited_since_the_start_is_told) {
    install();
    write_file("/srv/arguments.env", "ARGUMENTS=\"--one=2 '--two=a b'\"\nSECRET=other\n");
    const auto found = plan();
    EXPECT_NE(said(found).find("; --one of the running one is no longer said"), std::string::npos) << said(found);
    EXPECT_NE(said(found).find("; --one is said now"), std::string::npos) << said(found);
    EXPECT_EQ(said(found).find("--one="), std::string::npos) << "no value: " << said(found);
    EXPECT_NE(said(found).find("SECRET"), std::string::npos) << said(found);
    EXPECT_EQ(said(found).find("other"), std::string::npos) << said(found);
}

TEST_F(component, runs_in_its_own_unit_and_comes_back) {
    install("SystemCallFilter=~ptrace\nMemoryMax=700M\nProtectSystem=strict\nExecReload=/bin/kill -HUP $MAINPID\n");
    const auto before = plan();
    ASSERT_EQ(before.way, launcher::unit_way::drop_in) << said(before);
    const auto group = properties(unit).control_group;
    auto it = component_of();
    const auto made = prepared(before);
    const auto run = it.detach_and_launch(made);
    ASSERT_TRUE(run) << run.error() << "\n" << made.text;

    struct stat info {};
    ASSERT_EQ(::stat(drop_in_path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0644u);
    EXPECT_EQ(text_of(drop_in_path), made.text);
    auto expected = with(definition_.binary);
    expected.emplace_back("--added=$ONE %n");
    EXPECT_EQ(command_line(run->debuggee), expected);
    EXPECT_EQ(properties(unit).control_group, group);
    EXPECT_EQ(properties(unit).memory_max, (700ull << 20) + (1ull << 30));
    if (listen_.starts_with("unix:")) {
        ASSERT_EQ(::stat(listen_.substr(5).c_str(), &info), 0) << listen_;
        ASSERT_EQ(::stat(listen_.substr(5, listen_.rfind('/') - 5).c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 07777, 0700u);
    }

    const auto state = it.state_on_disk();
    ASSERT_TRUE(state) << state.error();
    EXPECT_EQ(state->file.state, launcher::drop_in_found::ours);
    EXPECT_EQ(state->file.session, session);
    EXPECT_EQ(state->file.hash, made.hash);
    EXPECT_TRUE(state->applied);
    EXPECT_TRUE(state->runs_dlv);
    EXPECT_FALSE(state->needs_reload);
    EXPECT_EQ(plan().way, launcher::unit_way::none);  // out already

    const auto back = it.put_back(session, before.was_active);
    ASSERT_TRUE(back) << back.error();
    EXPECT_TRUE(back->empty());
    expect_as_before(before);
    const auto again = it.put_back(session, before.was_active);
    ASSERT_TRUE(again) << again.error();
    expect_as_before(before);
}

TEST_F(component, has_the_components_memory_limit_in_its_own_unit) {
    install();
    const auto before = plan();
    auto it = component_of();
    ASSERT_TRUE(it.detach_and_launch(prepared(before)));
    EXPECT_EQ(properties(unit).memory_max, definition_.memory_limit);
    ASSERT_TRUE(it.put_back(session, before.was_active));
    expect_as_before(before);
    EXPECT_EQ(properties(unit).memory_max, launcher::no_limit);
}

TEST_F(component, comes_back_from_every_step) {
    install();
    const auto before = plan();
    for (int steps = 0; steps <= 5; ++steps) {
        auto it = component_of();
        const auto made = prepared(before);
        if (steps > 0) must(it.stop_unit());
        if (steps > 1) must(it.write(made));
        if (steps > 2) must(it.reload(made));
        if (steps > 3) {
            ASSERT_TRUE(it.start_under_dlv(made));
        }
        if (steps > 4) must(systemd().kill_unit(unit, SIGKILL));
        const auto back = component_of().put_back(session, true);
        ASSERT_TRUE(back) << "after " << steps << " steps: " << back.error();
        SCOPED_TRACE(steps);
        expect_as_before(before);
    }
}

TEST_F(component, a_drop_in_that_somebody_changed_is_kept_aside) {
    install();
    const auto before = plan();
    auto it = component_of();
    const auto made = prepared(before);
    ASSERT_TRUE(it.detach_and_launch(made));
    write_file(drop_in_path, made.text + "Nice=1\n");
    EXPECT_EQ(it.state_on_disk()->file.state, launcher::drop_in_found::changed);
    const auto removed = it.remove(session);
    ASSERT_FALSE(removed);
    EXPECT_NE(removed.error().find("was changed since"), std::string::npos);
    const auto back = it.put_back(session, true);
    ASSERT_TRUE(back) << back.error();
    ASSERT_EQ(back->size(), 1u);
    EXPECT_EQ(text_of(drop_in_path + ".changed-1"), made.text + "Nice=1\n");
    expect_as_before(before);
}

TEST_F(component, another_sessions_drop_in_is_left) {
    install();
    const auto before = plan();
    auto it = component_of();
    ASSERT_TRUE(it.detach_and_launch(prepared(before)));
    const std::string other(32, 'f');
    EXPECT_FALSE(it.remove(other));
    EXPECT_FALSE(it.put_back(other, true));
    EXPECT_TRUE(it.state_on_disk()->runs_dlv);
    EXPECT_FALSE(it.write(prepared(before)));  // never replaces one
    ASSERT_TRUE(it.put_back(session, true));
    expect_as_before(before);
}

TEST_F(component, a_later_drop_in_that_wins_is_seen_before_the_start) {
    install();
    write_file("/etc/systemd/system/debuggee.service.d/99-later.conf", "[Service]\nExecStart=\nExecStart=" + original_ + " later\n");
    must(systemd().reload());
    must(systemd().restart(unit));
    const auto before = plan();
    auto it = component_of();
    const auto run = it.detach_and_launch(prepared(before));
    ASSERT_FALSE(run);
    EXPECT_NE(run.error().find("99-later.conf"), std::string::npos) << run.error();
    ASSERT_TRUE(it.put_back(session, true));
    EXPECT_TRUE(properties(unit).is_active());
    EXPECT_TRUE(eventually([&] { return command_line(properties(unit).main_pid) == words{original_, "later"}; }));
}

TEST_F(component, a_drop_in_that_came_meanwhile_is_told) {
    install();
    const auto before = plan();
    auto it = component_of();
    ASSERT_TRUE(it.detach_and_launch(prepared(before)));
    write_file("/etc/systemd/system/debuggee.service.d/50-new.conf", "[Service]\nEnvironment=NEW=1\n");
    ASSERT_TRUE(it.put_back(session, true));
    const auto checked = it.check_returned(before);
    ASSERT_TRUE(checked) << checked.error();
    ASSERT_EQ(checked->size(), 2u);
    EXPECT_NE(checked->front().text.find("50-new.conf"), std::string::npos);
}

TEST_F(component, strangers_edits_refuse_the_start) {
    install();
    const auto before = plan();
    unit_file("stranger.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    must(systemd().start("stranger.service"));
    write_file("/etc/systemd/system/stranger.service.d/1.conf", "[Service]\nNice=1\n");
    EXPECT_NE(said(plan()).find("REFUSED units were edited"), std::string::npos) << said(plan());
    auto it = component_of();
    const auto run = it.detach_and_launch(prepared(before));
    ASSERT_FALSE(run);
    EXPECT_NE(run.error().find("stranger.service"), std::string::npos) << run.error();
    const auto back = it.put_back(session, true);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->size(), 1u);  // the edit is in force now
    expect_as_before(before);
}

TEST_F(component, a_debug_binary_that_is_none_fails_the_start_and_comes_back) {
    install();
    const auto before = plan();
    definition_.binary = "/bin/true";
    auto it = component_of();
    const auto run = it.detach_and_launch(prepared(before));
    if (!run) {
        EXPECT_NE(run.error().find("journalctl -u debuggee.service"), std::string::npos) << run.error();
    }
    definition_.binary = program("DEBUGGEE");
    ASSERT_TRUE(component_of().put_back(session, true));
    expect_as_before(before);
}

TEST_F(component, a_debuggee_that_does_not_end_is_killed) {
    install();
    const auto before = plan();
    auto it = component_of();
    const auto run = it.detach_and_launch(prepared(before));
    ASSERT_TRUE(run) << run.error();
    must(launcher::systemd_component::end_debuggee(*run, std::chrono::milliseconds(0)));
    EXPECT_TRUE(eventually([&] { return it.running()->debuggee == 0; }));
    must(launcher::systemd_component::end_debuggee(*run, std::chrono::milliseconds(0)));
    ASSERT_TRUE(it.put_back(session, true));
    expect_as_before(before);
}

TEST_F(component, a_unit_that_did_not_run_stays_stopped) {
    install();
    must(systemd().stop(unit));
    const auto before = plan();
    EXPECT_FALSE(before.was_active);
    EXPECT_NE(said(before).find("does not run"), std::string::npos);
    auto it = component_of();
    const auto run = it.detach_and_launch(prepared(before));
    ASSERT_TRUE(run) << run.error();
    ASSERT_TRUE(it.put_back(session, before.was_active));
    EXPECT_TRUE(properties(unit).is_down());
}

TEST_F(component, what_the_unit_cannot_see_is_run_beside) {
    install("ProtectHome=yes\n");
    definition_.binary = "/root/debug/program";
    const auto found = plan();
    EXPECT_EQ(found.way, launcher::unit_way::beside) << said(found);
    EXPECT_NE(found.why_beside.find("ProtectHome"), std::string::npos);
}

TEST_F(component, what_is_not_there_or_broken_is_refused) {
    definition_.unit = "nowhere";
    EXPECT_NE(said(plan()).find("REFUSED there is no unit nowhere.service"), std::string::npos);
    unit_file("broken.service", "[Service]\nExecStart=/bin/sleep \"1\n");
    must(systemd().reload());
    definition_.unit = "broken.service";
    EXPECT_NE(said(plan()).find("REFUSED systemd cannot load broken.service"), std::string::npos) << said(plan());
    EXPECT_EQ(plan().way, launcher::unit_way::none);
}

}  // namespace
