#include "launcher/stray_holds.h"

#include "launcher/detacher.h"
#include "launcher/kubelet_version.h"
#include "launcher/stopped_unit.h"
#include "launcher/unit_dependents.h"
#include "tests/support/trusted_directory.h"
#include "tests/unit/launcher/held_support.h"

namespace launcher::test {

namespace {

class stray_test : public held_test {
protected:
    stray_places where() const { return {{place.directory, place.directory + "/"}, root + "/units"}; }
    std::string record() const { return held_directory() + "/kube-scheduler.yaml.delvegate.json"; }
    static found_on_disk seen_by(const component_definition& definition, const std::optional<detachment>& row) {
        const launcher_config configuration;
        found_on_disk found;
        const auto looked = make_static_pod(definition, configuration)->look(row, found);
        EXPECT_TRUE(looked) << looked.error();
        return found;
    }
};

TEST_F(stray_test, WhatIsHeldIsFoundWithoutAnybodysWordAndPutBackByIt) {
    const auto before = look(target());
    ASSERT_TRUE(hold_manifest(place, request()));
    const auto found = stray_holds(where(), {});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].name, "kube-scheduler");
    EXPECT_TRUE(known_by_its_hold(found[0]));
    const auto disk = seen_by(found[0], std::nullopt);
    EXPECT_EQ(disk.record, found_on_disk::record_state::good);
    EXPECT_EQ(disk.held, found_on_disk::held_state::as_recorded);
    const launcher_config configuration;
    recovery_decision decision;
    decision.manifest = recovery_decision::manifest_action::put_back;
    const auto back = make_static_pod(found[0], configuration)->put_back(std::nullopt, decision);
    ASSERT_TRUE(back) << back.error();
    expect_as_it_was(before);
    EXPECT_TRUE(stray_holds(where(), {}).empty());
}

TEST_F(stray_test, WhatADefinitionIsResponsibleForIsNotStray) {
    ASSERT_TRUE(hold_manifest(place, request()));
    component_definition mine;
    mine.name = "kube-scheduler";
    mine.binary = "/opt/debug/kube-scheduler";
    EXPECT_TRUE(stray_holds(where(), {mine}).empty());
    // Without a record, by the name of its file.
    ASSERT_EQ(::unlink(record().c_str()), 0);
    EXPECT_TRUE(stray_holds(where(), {mine}).empty());
    mine.manifest_directory = place.directory;
    const auto disk = seen_by(mine, std::nullopt);
    EXPECT_EQ(disk.record, found_on_disk::record_state::none);
    EXPECT_EQ(disk.held, found_on_disk::held_state::other);
    mine.name = "another";
    mine.pod = "kube-scheduler";
    EXPECT_TRUE(stray_holds(where(), {mine}).empty());
    mine.pod = "another";
    const auto found = stray_holds(where(), {mine});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].name, "kube-scheduler");
}

TEST_F(stray_test, ANameThatIsTakenBySomethingElseIsNotUsedTwice) {
    ASSERT_TRUE(hold_manifest(place, request()));
    component_definition unit;
    unit.kind = component_kind::systemd;
    unit.name = "kube-scheduler";
    unit.unit = "kube-scheduler.service";
    const auto found = stray_holds(where(), {unit});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].name, "kube-scheduler-held");
}

// What a session had in its pod's empty volumes is not kept for the next one.
TEST_F(stray_test, EmptyVolumesGoWithTheSession) {
    launcher_config configuration;
    configuration.runtime_directory = root + "/run";
    component_definition mine;
    mine.name = "kube-scheduler";
    mine.binary = "/opt/debug/kube-scheduler";
    mine.manifest_directory = place.directory;
    const auto volume = root + "/run/.volumes/kube-scheduler/scratch";
    using action = recovery_decision::manifest_action;
    for (const auto what : {action::hold_and_report, action::put_back, action::none}) {
        std::filesystem::create_directories(volume);
        write_whole_file(volume + "/left", "theirs");
        recovery_decision decision;
        decision.manifest = what;
        if (what == action::put_back) {
            ASSERT_TRUE(hold_manifest(place, request()));
        }
        const auto back = make_static_pod(mine, configuration)->put_back(std::nullopt, decision);
        ASSERT_TRUE(back) << back.error();
        EXPECT_EQ(std::filesystem::exists(volume), what == action::hold_and_report) << "of one that root must decide about it stays";
        EXPECT_FALSE(what != action::hold_and_report && std::filesystem::exists(root + "/run/.volumes/kube-scheduler"));
    }
}

TEST_F(stray_test, ARuntimeDropInIsFound) {
    std::filesystem::create_directories(root + "/units/kubelet.service.d");
    std::filesystem::create_directories(root + "/units/other.service.d");
    write_whole_file(root + "/units/kubelet.service.d/90-delvegate.conf", "[Service]\n");
    write_whole_file(root + "/units/other.service.d/10-theirs.conf", "[Service]\n");
    const auto found = stray_holds(where(), {});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].kind, component_kind::systemd);
    EXPECT_EQ(found[0].unit, "kubelet.service");
    EXPECT_EQ(found[0].name, "kubelet");
    EXPECT_TRUE(stray_holds(where(), found).empty());
}

TEST_F(stray_test, AStoppedUnitIsFoundByItsRecord) {
    const support::trusted_directory state;
    auto where = this->where();
    where.state = state.path();
    EXPECT_FALSE(find_stopped(state.path(), "app@1.service"));
    stopped_unit record;
    record.unit = "app@1.service";
    record.component = "an-app";
    record.session = request().session;
    record.by = "alice";
    record.since = now();
    record.was_active = false;
    record.dependents = dependents_text({"other.service"});
    ASSERT_TRUE(keep_stopped(state.path(), record));
    const auto read = find_stopped(state.path(), record.unit);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->session, record.session);
    EXPECT_EQ(read->since, record.since);
    EXPECT_FALSE(read->was_active);
    EXPECT_TRUE(of_this_boot(*read));
    auto earlier = *read;
    earlier.init_started -= 1;
    EXPECT_FALSE(of_this_boot(earlier)) << "another process 1 has started it";
    EXPECT_EQ(read->dependents, record.dependents);
    const auto found = stray_holds(where, {});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].kind, component_kind::systemd);
    EXPECT_EQ(found[0].unit, "app@1.service");
    EXPECT_EQ(found[0].name, "an-app");
    EXPECT_TRUE(stray_holds(where, found).empty());
    // One that is malformed still says that it was stopped; one that others may write says no more.
    write_whole_file(stopped_file_of(state.path(), record.unit), "{");
    ASSERT_TRUE(find_stopped(state.path(), record.unit));
    EXPECT_TRUE(find_stopped(state.path(), record.unit)->was_active);
    EXPECT_EQ(stray_holds(where, {}).size(), 1u);
    ASSERT_TRUE(forget_stopped(state.path(), record.unit));
    EXPECT_FALSE(find_stopped(state.path(), record.unit));
    EXPECT_TRUE(stray_holds(where, {}).empty());
    ASSERT_TRUE(forget_stopped(state.path(), record.unit)) << "there is none";
    // Without room for it nothing is stopped.
    const auto kept = keep_stopped(state / "none", record);
    ASSERT_FALSE(kept);
    EXPECT_NE(kept.error().find("was not stopped"), std::string::npos) << kept.error();
}

TEST_F(stray_test, TheRecordsSessionIsComparedWithTheJournals) {
    ASSERT_TRUE(hold_manifest(place, request()));
    component_definition mine;
    mine.name = "kube-scheduler";
    mine.binary = "/opt/debug/kube-scheduler";
    detachment row;
    row.component = mine.name;
    row.id = request().session;
    row.target_file = target();
    EXPECT_TRUE(seen_by(mine, row).same_session);
    row.id = std::string(32, 'f');
    auto disk = seen_by(mine, row);
    EXPECT_FALSE(disk.same_session);
    EXPECT_FALSE(disk.held_by_another);
    EXPECT_EQ(disk.held, found_on_disk::held_state::as_recorded);
    mine.name = row.component = "the-same-manifest-by-another-name";
    disk = seen_by(mine, row);
    EXPECT_TRUE(disk.held_by_another);
    EXPECT_EQ(disk.held, found_on_disk::held_state::none);
}

TEST(stray_holds, AFilesNameBecomesAComponents) {
    EXPECT_EQ(component_name_for("kube-scheduler.yaml"), "kube-scheduler");
    EXPECT_EQ(component_name_for("My Pod_v2.json"), "my-pod-v2");
    EXPECT_EQ(component_name_for("---.yaml"), "held");
    EXPECT_EQ(component_name_for(std::string(90, 'a') + ".yaml"), std::string(63, 'a'));
}

TEST(kubelet_version, IsReadFromWhatItAnswers) {
    EXPECT_EQ(minor_in("Kubernetes v1.34.1\n"), "1.34");
    EXPECT_EQ(minor_in("v1.23.17-eks-1"), "1.23");
    EXPECT_EQ(minor_in("version of dev"), "");
    EXPECT_EQ(minor_in(""), "");
}

TEST_F(stray_test, AKubeletIsAskedAndOneThatAnybodyCanWriteIsNot) {
    const auto program = root + "/kubelet";
    write_whole_file(program, "#!/bin/sh\necho Kubernetes v1.31.2\n");
    ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
    EXPECT_EQ(kubelet_minor_of(program), "1.31");
    ASSERT_EQ(::chmod(program.c_str(), 0777), 0);
    EXPECT_EQ(kubelet_minor_of(program), "");
    EXPECT_EQ(kubelet_minor_of(root + "/none"), "");
}

TEST(unit_dependents, AreKeptInTheJournal) {
    EXPECT_EQ(dependents_text({}), "");
    EXPECT_TRUE(dependents_in("").empty());
    const std::vector<std::string> units{"a.service", "b@1.service"};
    EXPECT_EQ(dependents_in(dependents_text(units)), units);
    EXPECT_TRUE(dependents_in(R"({"dependents":["../x.service","y.target",7]})").empty());
}

}  // namespace

}  // namespace launcher::test
