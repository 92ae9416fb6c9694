// The commands that undo it by hand: what is shown before is what is done, and it is written down.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "launcher/held_place.h"
#include "launcher/plan_store.h"
#include "tests/support/trusted_directory.h"
#include "tests/unit/launcher/held_support.h"

namespace launcher::test {
namespace {

class undo_test : public held_test {
protected:
    // Foreseen, then held, then undone by the commands that were foreseen.
    void expect_undone(const manifest_place& where) {
        const auto before = look(target());
        const auto foreseen = foresee_hold(where, {"true"});
        ASSERT_TRUE(foreseen) << foreseen.error();
        EXPECT_TRUE(std::filesystem::exists(target())) << "nothing is done yet";
        auto asked = request();
        asked.undo_first = {"true"};
        const auto held = hold_manifest(where, asked);
        ASSERT_TRUE(held) << held.error();
        EXPECT_EQ(held->held, foreseen->held);
        EXPECT_EQ(held->undo, foreseen->undo);
        EXPECT_FALSE(std::filesystem::exists(target()));
        for (const auto& command : foreseen->undo) EXPECT_EQ(std::system(command.c_str()), 0) << command;
        EXPECT_EQ(look(target()), before);
        const auto state = look_at_manifest(where);
        ASSERT_TRUE(state) << state.error();
        EXPECT_EQ(state->record, held_state::record_state::none);
        EXPECT_EQ(state->held, held_state::file_state::none);
    }
};

TEST_F(undo_test, TheFirstTimeAndAgain) {
    expect_undone(place);
    expect_undone(place);  // the held directory is there by now
}

TEST_F(undo_test, ThroughALinkedDirectory) {
    std::filesystem::create_directories(root + "/elsewhere");
    std::filesystem::rename(place.directory, root + "/elsewhere/manifests");
    std::filesystem::create_directory_symlink(root + "/elsewhere/manifests", place.directory);
    expect_undone(place);
    EXPECT_TRUE(std::filesystem::exists(root + "/elsewhere/delvegate-held"));
}

TEST_F(undo_test, WithANameThatTheShellWouldTakeApart) {
    const auto odd = root + "/it's $(touch x) here";
    std::filesystem::rename(place.directory, odd);
    place.directory = odd;
    expect_undone(place);
}

TEST_F(undo_test, OnAnotherFilesystem) {
    if (!may_mount()) GTEST_SKIP() << "may not mount";
    mount_small(place.directory, "size=1m,mode=0755");
    write_manifest(content);
    const auto foreseen = foresee_hold(place, {});
    ASSERT_TRUE(foreseen) << foreseen.error();
    EXPECT_EQ(foreseen->held, place.directory + "/.kube-scheduler.yaml.delvegate-held");
    expect_undone(place);
}

TEST(plan_store, KeepsWhatUndoesItByHand) {
    const support::trusted_directory state;
    const std::string session(32, 'a');
    component_plan plan;
    plan.definition.name = "one";
    plan.undo_by_hand = {"systemctl stop 'x y'", "mv -n a b"};
    const auto kept = store_plan(state.path(), session, plan);
    ASSERT_TRUE(kept) << kept.error();
    const auto read = stored_plan(state.path(), session);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->undo_by_hand, plan.undo_by_hand);
    const auto file = undo_file_of(state.path(), session);
    EXPECT_EQ(read_whole(file), "# Puts one back by hand, should delvegate be gone.\nsystemctl stop 'x y'\nmv -n a b\n");
    EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
    forget_plan(state.path(), session);
    EXPECT_FALSE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace launcher::test
