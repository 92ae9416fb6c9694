// The engine without systemd: what it does with what it finds, by kinds that only pretend.
#include "launcher/engine.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <stdexcept>

#include "launcher/held_manifest.h"
#include "launcher/state_lock.h"
#include "storage/sha256.h"
#include "tests/support/trusted_directory.h"

namespace launcher {
namespace {

namespace fs = std::filesystem;

class engine_case : public testing::Test {
protected:
    engine_case() {
        configuration.scope = systemd_scope::none;
        configuration.state_directory = scratch / "state";
        configuration.runtime_directory = scratch / "run";
        fs::create_directories(scratch / "manifests");
    }
    component_definition pod(const std::string& name) const {
        component_definition one;
        one.name = one.pod = name;
        one.binary = "/opt/debug/" + name;
        one.manifest_directory = scratch / "manifests";
        return one;
    }
    std::string manifest(const std::string& name) const { return scratch / ("manifests/" + name + ".yaml"); }
    static std::string text_of(const std::string& file) {
        std::ifstream in(file);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void hold(const std::string& name, const std::string& component) const {
        const auto text = "kind: Pod\nmetadata: {name: " + name + "}\n";
        std::ofstream(manifest(name)) << text;
        hold_request request;
        request.session = std::string(32, 'c');
        request.component = component;
        request.expected_hash = storage::sha256_hex(text);
        request.by = "alice";
        request.node = read_node_identity({}, {});
        ASSERT_TRUE(hold_manifest({scratch / "manifests", name + ".yaml", {}}, request));
        ASSERT_FALSE(fs::exists(manifest(name)));
    }
    std::vector<restore_report> restore(engine& it, decision decide = decision::none, const std::string& name = {}) const {
        lifecycle_request request;
        request.by = "root";
        request.decide = decide;
        const auto done = it.restore(name, request, {});
        EXPECT_TRUE(done) << done.error();
        return done ? *done : std::vector<restore_report>();
    }
    static const restore_report& of(const std::vector<restore_report>& all, const std::string& name) {
        for (const auto& one : all)
            if (one.name == name) return one;
        throw std::runtime_error("nothing was said of " + name);
    }

    support::trusted_directory scratch;
    launcher_config configuration;
};

TEST_F(engine_case, WhatIsHeldIsPutBackWithoutARowAndWithoutADefinition) {
    hold("one", "removed-from-the-configuration");
    configuration.components = {pod("another")};  // which says where manifests are
    engine it(configuration);
    const auto shown = it.status();
    const auto reports = restore(it);
    const auto& one = of(reports, "removed-from-the-configuration");
    EXPECT_TRUE(one.restored) << one.text;
    EXPECT_FALSE(one.nothing_to_do);
    EXPECT_TRUE(fs::exists(manifest("one"))) << one.text;
    EXPECT_TRUE(of(reports, "another").nothing_to_do);
}

TEST_F(engine_case, StatusShowsWhatNothingElseSpeaksOf) {
    hold("one", "removed-from-the-configuration");
    configuration.components = {pod("another")};
    engine it(configuration);
    (void)it.recover({});  // as a launcher does at its start; it is back then
    EXPECT_TRUE(fs::exists(manifest("one")));
    hold("two", "nobody-knows");
    bool seen = false;
    for (const auto& one : it.status())
        if (one.name == "nobody-knows") seen = one.detached && one.state == component_state::not_put_back;
    EXPECT_TRUE(seen);
}

TEST_F(engine_case, AFailureWithinOneComponentDoesNotKeepTheOthersAway) {
    hold("two", "two");
    configuration.components = {pod("one"), pod("two")};
    engine it(configuration, [](const component_definition& definition, const launcher_config& all) {
        if (definition.name == "one") throw std::runtime_error("no memory, say");
        return make_static_pod(definition, all);
    });
    const auto reports = restore(it);
    EXPECT_FALSE(of(reports, "one").restored);
    EXPECT_NE(of(reports, "one").text.find("no memory, say"), std::string::npos);
    EXPECT_TRUE(of(reports, "two").restored) << of(reports, "two").text;
    EXPECT_TRUE(fs::exists(manifest("two")));
    const auto again = it.recover({});
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].name, "one");
}

TEST_F(engine_case, WhoMustDecideIsToldHow) {
    hold("one", "one");
    std::ofstream(scratch / "delvegate-held/one.yaml") << "changed";
    configuration.components = {pod("one")};
    engine it(configuration);
    const auto first = of(restore(it), "one");
    EXPECT_FALSE(first.restored);
    const std::vector<std::string> commands{"delvegate restore one --put-back-ours", "delvegate restore one --keep-theirs"};
    EXPECT_EQ(first.decide, commands);
    const auto ours = of(restore(it, decision::put_back_ours, "one"), "one");
    EXPECT_TRUE(ours.restored) << ours.text;
    EXPECT_TRUE(ours.decide.empty());
    EXPECT_EQ(text_of(manifest("one")), "changed");
}

TEST_F(engine_case, RootDecidesBetweenTwoVersions) {
    hold("one", "one");
    std::ofstream(manifest("one")) << "theirs";
    configuration.components = {pod("one")};
    engine it(configuration);
    const auto ours = of(restore(it, decision::put_back_ours, "one"), "one");
    EXPECT_TRUE(ours.restored) << ours.text;
    EXPECT_EQ(text_of(manifest("one")), "kind: Pod\nmetadata: {name: one}\n");

    fs::remove(manifest("one"));
    hold("one", "one");
    std::ofstream(manifest("one")) << "theirs";
    const auto kept = of(restore(it, decision::keep_theirs, "one"), "one");
    EXPECT_TRUE(kept.restored) << kept.text;
    EXPECT_EQ(text_of(manifest("one")), "theirs");
    EXPECT_TRUE(of(restore(it), "one").nothing_to_do) << "ours is in the archive";
}

TEST_F(engine_case, WithoutADecisionTheirsStaysAndIsAReportOnce) {
    hold("one", "one");
    std::ofstream(manifest("one")) << "theirs";
    configuration.components = {pod("one")};
    engine it(configuration);
    const auto first = of(restore(it), "one");
    EXPECT_FALSE(first.restored) << "it is not as it was before";
    EXPECT_FALSE(first.nothing_to_do);
    EXPECT_EQ(text_of(manifest("one")), "theirs");
    EXPECT_TRUE(of(restore(it), "one").nothing_to_do);
}

// A row whose manifest somebody has removed: no return can bring it back, and root's word ends the session.
TEST_F(engine_case, KeepTheirsEndsASessionOfWhichNothingIsHeld) {
    {
        auto book = journal::open(configuration.state_directory);
        ASSERT_TRUE(book) << book.error();
        detachment_start start;
        start.component = "one";
        start.started_by = "alice";
        const auto row = book->begin(start);
        ASSERT_TRUE(row) << row.error();
        detachment_changes changes;
        changes.target_file = manifest("one");
        ASSERT_TRUE(book->advance(row->id, journal_step::failed, changes));
    }
    configuration.components = {pod("one")};
    engine it(configuration);
    EXPECT_FALSE(of(restore(it), "one").restored);
    const auto kept = of(restore(it, decision::keep_theirs, "one"), "one");
    EXPECT_TRUE(kept.restored) << kept.text;
    EXPECT_TRUE(of(restore(it), "one").nothing_to_do);
}

// The journal is the reason only: what is put back without it is put back.
TEST_F(engine_case, ALostJournalIsNoFailure) {
    hold("one", "one");
    fs::create_directories(configuration.state_directory + "/journal.db");
    configuration.components = {pod("one")};
    engine it(configuration);
    const auto reports = it.recover({});
    EXPECT_TRUE(of(reports, "one").restored) << of(reports, "one").text;
    EXPECT_TRUE(fs::exists(manifest("one")));
}

TEST_F(engine_case, WhatIsLongOverIsForgotten) {
    std::string id;
    {
        auto book = journal::open(configuration.state_directory);
        ASSERT_TRUE(book) << book.error();
        detachment_start start;
        start.component = "one";
        const auto row = book->begin(start);
        ASSERT_TRUE(row) << row.error();
        id = row->id;
        ASSERT_TRUE(book->advance(id, journal_step::closed));
    }
    {
        auto db = storage::database::open(configuration.state_directory + "/journal.db", std::chrono::seconds(5), "");
        ASSERT_TRUE(db) << db.error();
        for (const auto* sql : {"UPDATE detachment SET since_wall=since_wall-86400*91", "UPDATE step_log SET wall=wall-86400*91"})
            db->run(sql);
        ASSERT_TRUE(db->ok());
    }
    {
        engine it(configuration);
        (void)it.recover({});
    }
    auto book = journal::open(configuration.state_directory);
    ASSERT_TRUE(book) << book.error();
    EXPECT_TRUE(book->steps(id)->empty());
}

// Returns that take as long as they are told to.
struct returns {
    std::mutex lock;
    std::condition_variable changed;
    bool slow_may_end = false;
    int in_slow = 0, most_in_slow = 0;
    std::set<std::string> begun, done;
};

class slow_to_return final : public detacher {
public:
    slow_to_return(std::string name, returns& all) : name_(std::move(name)), all_(all) {}
    outcome<component_plan> inspect(const lifecycle_request&) override { return error_text("nobody asks"); }
    outcome<detachment_changes> intend(const component_plan&, const stand_in&) override { return detachment_changes(); }
    outcome<void> take_out(const component_plan&, const stand_in&) override { return {}; }
    outcome<std::string> remains(const component_plan&) override { return text({}); }
    outcome<void> look(const std::optional<detachment>&, found_on_disk& found) override {
        // What is looked for here is the watch: a launcher's start finds nobody to ask.
        if (found.why == found_on_disk::occasion::launcher_start) return std::string("it cannot be asked yet");
        found.target = found_on_disk::target_state::same;
        return {};
    }
    outcome<put_back_summary> put_back(const std::optional<detachment>&, const recovery_decision&) override {
        std::unique_lock hold(all_.lock);
        all_.begun.insert(name_);
        all_.changed.notify_all();
        if (name_ == "slow") {
            all_.most_in_slow = std::max(all_.most_in_slow, ++all_.in_slow);
            all_.changed.wait(hold, [&] { return all_.slow_may_end; });
            --all_.in_slow;
        }
        all_.done.insert(name_);
        all_.changed.notify_all();
        return put_back_summary();
    }
    outcome<std::string> missing(const std::optional<detachment>&) override { return text({}); }

private:
    std::string name_;
    returns& all_;
};

TEST_F(engine_case, ASlowReturnKeepsNobodyElseAway) {
    {
        auto book = journal::open(configuration.state_directory);
        ASSERT_TRUE(book) << book.error();
        for (const auto* name : {"slow", "other"}) {
            detachment_start start;
            start.component = name;
            const auto row = book->begin(start);
            ASSERT_TRUE(row) << row.error();
            ASSERT_TRUE(book->advance(row->id, journal_step::returning, {}));
        }
    }
    configuration.components = {pod("slow"), pod("other")};
    returns all;
    {
        engine it(configuration, [&all](const component_definition& definition, const launcher_config&) {
            return std::make_unique<slow_to_return>(definition.name, all);
        });
        (void)it.recover({});
        std::unique_lock hold(all.lock);
        const auto patience = std::chrono::minutes(1);
        const bool both = all.changed.wait_for(hold, patience, [&] { return all.begun.contains("slow") && all.done.contains("other"); });
        EXPECT_TRUE(both) << "one that has begun to return keeps the other away";
        EXPECT_FALSE(all.done.contains("slow"));
        all.slow_may_end = true;
        all.changed.notify_all();
        EXPECT_TRUE(all.changed.wait_for(hold, patience, [&] { return all.done.contains("slow"); }));
        EXPECT_EQ(all.most_in_slow, 1) << "one component has one look at a time";
    }
    auto book = journal::open(configuration.state_directory);
    ASSERT_TRUE(book) << book.error();
    EXPECT_TRUE(book->active()->empty());
}

TEST_F(engine_case, ALauncherWaitsForARestoreAndNotForAnotherLauncher) {
    bool launcher_has_it = true;
    auto restoring = take_state_lock(configuration.state_directory, lock_holder::restore, launcher_has_it);
    ASSERT_TRUE(restoring) << restoring.error();
    EXPECT_FALSE(launcher_has_it);
    std::string said;
    int asked = 0;
    const auto waited = wait_for_state_lock(
        configuration.state_directory,
        [&] {
            if (++asked == 2) restoring->reset();
            return false;
        },
        [&](const std::string& text) { said = text; });
    EXPECT_TRUE(waited) << waited.error();
    EXPECT_EQ(asked, 2);
    EXPECT_NE(said.find("another delvegate restore (pid "), std::string::npos) << said;
    const auto second = wait_for_state_lock(configuration.state_directory, [] { return false; }, [](const std::string&) {});
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("another delvegate launcher (pid "), std::string::npos) << second.error();
}

// What is compared with what runs: a file put in dlv's place after it was checked is another one.
TEST_F(engine_case, TheDlvThatWasCheckedIsKnownAgain) {
    component_definition one = pod("one");
    one.dlv = scratch / "dlv";
    std::ofstream(one.dlv) << "first";
    fs::permissions(one.dlv, fs::perms::owner_all);
    examined_files seen;
    const auto fine = check_dlv(one, seen);
    ASSERT_TRUE(fine) << fine.error();
    ASSERT_TRUE(seen.dlv);
    EXPECT_TRUE(same_file(one.dlv, *seen.dlv));
    std::ofstream(scratch / "other") << "first";
    fs::permissions(scratch / "other", fs::perms::owner_all);
    fs::rename(scratch / "other", one.dlv);
    EXPECT_FALSE(same_file(one.dlv, *seen.dlv));
    fs::permissions(one.dlv, fs::perms::all);
    EXPECT_FALSE(check_dlv(one, seen)) << "anybody can write to it";
}

}  // namespace
}  // namespace launcher
