#include "launcher/held_manifest.h"

#include <sys/wait.h>
#include <sys/xattr.h>


#include "launcher/held_record.h"
#include "protocol/json.h"
#include "tests/unit/launcher/held_support.h"

namespace launcher::test {

namespace {

using held = held_state::file_state;
using at_target = held_state::target_state;
using record = held_state::record_state;

TEST_F(held_test, ManifestComesBackByteForByte) {
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(target().c_str(), 12, 34), 0);
        ASSERT_EQ(::lsetxattr(target().c_str(), "trusted.kept", "a\0b", 3, 0) == 0 || errno == ENOTSUP, true);
    }
    const auto before = look(target());
    const auto held_as = hold_manifest(place, request());
    ASSERT_TRUE(held_as) << held_as.error();
    EXPECT_EQ(names_in(place.directory), std::set<std::string>{});
    EXPECT_EQ(held_as->held, held_directory() + "/kube-scheduler.yaml");
    EXPECT_EQ(held_as->stamp.inode, before.inode);
    struct stat info {};
    ASSERT_EQ(::stat(held_directory().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0700u);

    const auto state = look_at_manifest(place);
    ASSERT_TRUE(state) << state.error();
    EXPECT_EQ(state->record, record::good);
    EXPECT_EQ(state->held, held::as_recorded);
    EXPECT_EQ(state->target, at_target::none);

    const auto back = put_back_manifest(place);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->result, put_back_result::put_back);
    EXPECT_TRUE(back->remarks.empty()) << back->remarks.front();
    expect_as_it_was(before);
}

TEST_F(held_test, RecordIsWholeForAPersonAndForUs) {
    const auto held_as = hold_manifest(place, request());
    ASSERT_TRUE(held_as) << held_as.error();
    const std::string path = held_directory() + "/kube-scheduler.yaml.delvegate.json";
    const auto text = read_whole(path);
    const auto read = parse_held_record(text);
    ASSERT_TRUE(read) << read.error();
    EXPECT_FALSE(read->taking);
    EXPECT_EQ(read->session, request().session);
    EXPECT_EQ(read->component, "kube-scheduler");
    EXPECT_EQ(read->target, target());
    EXPECT_EQ(read->held, held_as->held);
    EXPECT_EQ(read->stamp, held_as->stamp);
    EXPECT_EQ(read->since, held_as->since);
    EXPECT_EQ(read->by, "alice");
    EXPECT_EQ(read->unit, request().unit);
    EXPECT_EQ(read->dlv, request().dlv);
    EXPECT_EQ(read->node, request().node);
    ASSERT_EQ(read->undo.size(), 3u);
    EXPECT_EQ(read->undo[0], "systemctl stop delvegate-0123.service");
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);

    // The commands are true: run by a shell they leave what was there.
    const auto before = look(held_as->held);
    ASSERT_EQ(std::system((read->undo[1] + " && " + read->undo[2]).c_str()), 0);
    expect_as_it_was(before);
}

TEST_F(held_test, CutOrChangedRecordIsMalformedAndNothingMoves) {
    const auto held_as = hold_manifest(place, request());
    ASSERT_TRUE(held_as) << held_as.error();
    const std::string path = held_directory() + "/kube-scheduler.yaml.delvegate.json";
    const auto text = read_whole(path);
    for (std::size_t size = 0; size + 2 < text.size(); ++size) EXPECT_FALSE(parse_held_record(text.substr(0, size)));
    const auto value = protocol::parse_json(text);
    ASSERT_TRUE(value);
    for (const auto& [key, one] : *value->if_object()) {
        if (key == "since") continue;  // for people only
        auto without = *value;
        auto& members = *without.if_object();
        std::erase_if(members, [&, name = key](const auto& member) { return member.first == name; });
        EXPECT_FALSE(parse_held_record(protocol::to_text(without))) << key;
        auto other = *value;
        other.set(key, protocol::json(nullptr));
        EXPECT_FALSE(parse_held_record(protocol::to_text(other))) << key;
    }
    write_whole_file(path, text.substr(0, text.size() / 2));
    const auto state = look_at_manifest(place, storage::sha256_hex(content));
    ASSERT_TRUE(state);
    EXPECT_EQ(state->record, record::malformed);
    EXPECT_EQ(state->held, held::as_recorded);  // by the journal's hash
    EXPECT_FALSE(put_back_manifest(place));
    EXPECT_TRUE(names_in(place.directory).empty());
    put_back_options journalled;
    journalled.hash = storage::sha256_hex("another");
    EXPECT_FALSE(put_back_manifest(place, journalled));
    journalled.hash = storage::sha256_hex(content);
    const auto back = put_back_manifest(place, journalled);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(read_whole(target()), content);
    EXPECT_TRUE(names_in(held_directory()).empty());
}

TEST_F(held_test, OwnerModeAndTimeComeBackAlsoWhenChangedMeanwhile) {
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(target().c_str(), 12, 34), 0);
    }
    const auto before = look(target());
    const auto held_as = hold_manifest(place, request());
    ASSERT_TRUE(held_as) << held_as.error();
    ASSERT_EQ(::chmod(held_as->held.c_str(), 0600), 0);
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(held_as->held.c_str(), 0, 0), 0);
    }
    ASSERT_EQ(::utimensat(AT_FDCWD, held_as->held.c_str(), nullptr, 0), 0);
    ASSERT_TRUE(put_back_manifest(place));
    expect_as_it_was(before);
}

TEST_F(held_test, SameContentThereAgainIsKeptAndOursDropped) {
    ASSERT_TRUE(hold_manifest(place, request()));
    write_whole_file(target(), content);
    const auto theirs = look(target());
    EXPECT_EQ(look_at_manifest(place)->target, at_target::same);
    const auto back = put_back_manifest(place);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->result, put_back_result::already_there_same);
    expect_as_it_was(theirs);
}

TEST_F(held_test, AnotherManifestIsKeptAndOursStored) {
    ASSERT_TRUE(hold_manifest(place, request()));
    write_whole_file(target(), "kind: Other\n");
    const auto theirs = look(target());
    EXPECT_EQ(look_at_manifest(place)->target, at_target::other);
    const auto back = put_back_manifest(place);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->result, put_back_result::superseded);
    EXPECT_EQ(look(target()), theirs);
    EXPECT_EQ(read_whole(back->stored), content);
    EXPECT_NE(back->stored.find("kube-scheduler.yaml.superseded-2"), std::string::npos) << back->stored;
    EXPECT_TRUE(parse_held_record(read_whole(back->stored + ".delvegate.json")));
    ASSERT_EQ(back->remarks.size(), 1u);
    // It is out of the way of the next session, and not held any more.
    EXPECT_TRUE(find_held(place.directory)->empty());
    auto next = request();
    next.expected_hash = storage::sha256_hex("kind: Other\n");
    ASSERT_TRUE(hold_manifest(place, next));
    write_whole_file(target(), "kind: Third\n");
    const auto again = put_back_manifest(place);
    ASSERT_TRUE(again) << again.error();
    EXPECT_NE(again->stored, back->stored);
    EXPECT_EQ(read_whole(back->stored), content);
    EXPECT_EQ(read_whole(again->stored), "kind: Other\n");
}

TEST_F(held_test, WhatIsHeldAndWasChangedIsNotPutBackButByRoot) {
    const auto held_as = hold_manifest(place, request());
    ASSERT_TRUE(held_as) << held_as.error();
    write_whole_file(held_as->held, "kind: Changed\n");
    EXPECT_EQ(look_at_manifest(place)->held, held::other);
    const auto back = put_back_manifest(place);
    ASSERT_FALSE(back);
    EXPECT_NE(back.error().find("delvegate restore kube-scheduler --put-back"), std::string::npos) << back.error();
    EXPECT_EQ(back.error().find('\n'), std::string::npos);
    EXPECT_TRUE(names_in(place.directory).empty());
    put_back_options decided;
    decided.whatever_it_is = true;
    ASSERT_TRUE(put_back_manifest(place, decided));
    EXPECT_EQ(read_whole(target()), "kind: Changed\n");
    EXPECT_TRUE(names_in(held_directory()).empty());
}

TEST_F(held_test, HeldWithoutARecordIsNotPutBackButByRoot) {
    ASSERT_TRUE(hold_manifest(place, request()));
    ASSERT_EQ(::unlink((held_directory() + "/kube-scheduler.yaml.delvegate.json").c_str()), 0);
    EXPECT_EQ(look_at_manifest(place)->held, held::other);
    EXPECT_FALSE(put_back_manifest(place));
    const auto found = find_held(place.directory);
    ASSERT_EQ(found->size(), 1u);
    EXPECT_EQ(found->front().name, place.name);
    put_back_options decided;
    decided.whatever_it_is = true;
    ASSERT_TRUE(put_back_manifest(place, decided));
    EXPECT_EQ(read_whole(target()), content);
}

TEST_F(held_test, SetAsideByRootIsNeverLost) {
    ASSERT_TRUE(hold_manifest(place, request()));
    const auto stored = set_aside_manifest(place);
    ASSERT_TRUE(stored) << stored.error();
    EXPECT_EQ(read_whole(*stored), content);
    EXPECT_TRUE(names_in(place.directory).empty());
    EXPECT_EQ(put_back_manifest(place)->result, put_back_result::nothing_held);
    EXPECT_FALSE(set_aside_manifest(place));
}

TEST_F(held_test, LostFromBothPlacesIsTold) {
    const auto held_as = hold_manifest(place, request());
    ASSERT_TRUE(held_as);
    ASSERT_EQ(::unlink(held_as->held.c_str()), 0);
    const auto back = put_back_manifest(place);
    ASSERT_FALSE(back);
    EXPECT_NE(back.error().find("neither in its place nor held"), std::string::npos) << back.error();
    EXPECT_EQ(look_at_manifest(place)->record, record::good);
}

TEST_F(held_test, SecondSessionIsRefused) {
    ASSERT_TRUE(hold_manifest(place, request()));
    write_whole_file(target(), content);  // somebody has put it back by hand
    const auto second = hold_manifest(place, request());
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("is held already"), std::string::npos) << second.error();
    EXPECT_NE(second.error().find("alice"), std::string::npos);
    EXPECT_EQ(read_whole(held_directory() + "/kube-scheduler.yaml"), content);
}

TEST_F(held_test, OfManyAtOnceOneHolds) {
    std::vector<pid_t> children;
    for (int i = 0; i < 8; ++i) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) ::_exit(hold_manifest(place, request()) ? 0 : 1);
        children.push_back(child);
    }
    int held_by = 0;
    for (const pid_t child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFEXITED(status));
        held_by += WEXITSTATUS(status) == 0;
    }
    EXPECT_EQ(held_by, 1);
    EXPECT_TRUE(put_back_manifest(place));
    EXPECT_EQ(read_whole(target()), content);
}

TEST_F(held_test, HoldersAndRestorersAtOnceLoseNothing) {
    const auto before = look(target());
    std::vector<pid_t> children;
    for (int i = 0; i < 6; ++i) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            for (int round = 0; round < 20; ++round) {
                if (i % 2 == 0) (void)hold_manifest(place, request());
                else if (!put_back_manifest(place)) ::_exit(1);
            }
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    ASSERT_TRUE(put_back_manifest(place));
    expect_as_it_was(before);
}

TEST_F(held_test, WhatIsNotAManifestIsNotTouched) {
    const auto refused = [&](const char* why) {
        const auto out = hold_manifest(place, request());
        EXPECT_FALSE(out) << why;
        if (out) return;
        EXPECT_EQ(out.error().find('\n'), std::string::npos);
        EXPECT_NE(out.error().find(why), std::string::npos) << out.error();
        EXPECT_TRUE(names_in(held_directory()).empty());
    };
    write_whole_file(target(), "changed since the plan\n");
    refused("not what was planned");
    ASSERT_EQ(::unlink(target().c_str()), 0);
    refused("is not there");
    ASSERT_EQ(::mkdir(target().c_str(), 0755), 0);
    refused("neither a regular file");
    ASSERT_EQ(::rmdir(target().c_str()), 0);
    ASSERT_EQ(::mkfifo(target().c_str(), 0600), 0);
    refused("neither a regular file");
    ASSERT_EQ(::unlink(target().c_str()), 0);
    ASSERT_EQ(::symlink("/nowhere", target().c_str()), 0);
    refused("a link to nothing");
    ASSERT_EQ(::unlink(target().c_str()), 0);
    write_whole_file(target(), "");
    ASSERT_EQ(::truncate(target().c_str(), (10 << 20) + 1), 0);
    refused("larger than the kubelet reads");
    for (const char* name : {"", ".hidden", "a/b", "x.delvegate.json", "x.superseded-2026", "\xff.yaml"}) {
        place.name = name;
        EXPECT_FALSE(hold_manifest(place, request())) << name;
        EXPECT_FALSE(put_back_manifest(place)) << name;
    }
}

TEST_F(held_test, HeldDirectoryOfOthersIsRefused) {
    ASSERT_EQ(::mkdir(held_directory().c_str(), 0700), 0);
    ASSERT_EQ(::chmod(held_directory().c_str(), 0755), 0);
    auto out = hold_manifest(place, request());
    ASSERT_FALSE(out);
    EXPECT_NE(out.error().find("chmod 700"), std::string::npos) << out.error();
    ASSERT_EQ(::rmdir(held_directory().c_str()), 0);
    ASSERT_EQ(::mkdir((root + "/elsewhere").c_str(), 0700), 0);
    ASSERT_EQ(::symlink((root + "/elsewhere").c_str(), held_directory().c_str()), 0);
    EXPECT_FALSE(hold_manifest(place, request()));
    EXPECT_EQ(read_whole(target()), content);
    EXPECT_TRUE(names_in(root + "/elsewhere").empty());
}

TEST_F(held_test, LinkIsHeldAsALink) {
    const std::string real = root + "/real.yaml";
    write_whole_file(real, content);
    for (const std::string& to : {real, std::string("../real.yaml")}) {
        ASSERT_EQ(::unlink(target().c_str()), 0);
        ASSERT_EQ(::symlink(to.c_str(), target().c_str()), 0);
        const auto before = look(target());
        const auto held_as = hold_manifest(place, request());
        ASSERT_TRUE(held_as) << held_as.error();
        EXPECT_EQ(held_as->stamp.link, to);
        EXPECT_EQ(held_as->stamp.hash, storage::sha256_hex(content));
        EXPECT_EQ(look_at_manifest(place)->held, held::as_recorded);
        EXPECT_EQ(read_whole(real), content);
        const auto back = put_back_manifest(place);
        ASSERT_TRUE(back) << back.error();
        EXPECT_EQ(back->result, put_back_result::put_back);
        expect_as_it_was(before);
    }
}

TEST_F(held_test, ManifestDirectoryMayBeALink) {
    ASSERT_EQ(::mkdir((root + "/etc").c_str(), 0755), 0);
    ASSERT_EQ(::symlink(place.directory.c_str(), (root + "/etc/manifests").c_str()), 0);
    const auto before = look(target());
    auto linked = place;
    linked.directory = root + "/etc/manifests/";
    const auto held_as = hold_manifest(linked, request());
    ASSERT_TRUE(held_as) << held_as.error();
    EXPECT_EQ(held_as->held, held_directory() + "/kube-scheduler.yaml");
    ASSERT_TRUE(put_back_manifest(linked));
    expect_as_it_was(before);
}

TEST_F(held_test, NothingHeldIsNothingDone) {
    const auto before = look(target());
    EXPECT_EQ(put_back_manifest(place)->result, put_back_result::nothing_held);
    EXPECT_FALSE(std::filesystem::exists(held_directory()));
    EXPECT_EQ(look(target()), before);
    EXPECT_TRUE(find_held(place.directory)->empty());
    EXPECT_TRUE(find_held(root + "/none")->empty());
}

TEST(node_identity, AnotherNodeIsSeen) {
    char name[] = "/tmp/delvegate-node-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    const std::string root = name;
    const node_files where{root + "/kubelet.conf", root + "/ca.crt"};
    write_whole_file(where.kubelet_conf, "a");
    write_whole_file(where.ca, "b");
    write_whole_file(root + "/needed", "");
    const auto was = read_node_identity("1.34", {root + "/needed", root + "/optional"}, where);
    EXPECT_EQ(was.files, std::vector<std::string>{root + "/needed"});
    EXPECT_EQ(node_identity_from(to_json(was)), was);
    EXPECT_EQ(node_difference(was, read_node_identity("1.34", {}, where)), "");
    EXPECT_EQ(node_difference(was, read_node_identity("", {}, where)), "");  // at boot
    EXPECT_NE(node_difference(was, read_node_identity("1.35", {}, where)), "");
    write_whole_file(where.ca, "c");
    EXPECT_NE(node_difference(was, read_node_identity("1.34", {}, where)), "");
    write_whole_file(where.ca, "b");
    EXPECT_EQ(node_difference(was, read_node_identity("1.34", {}, where)), "");
    ASSERT_EQ(::unlink((root + "/needed").c_str()), 0);
    EXPECT_NE(node_difference(was, read_node_identity("1.34", {}, where)), "");
    write_whole_file(root + "/needed", "");
    ASSERT_EQ(::unlink(where.kubelet_conf.c_str()), 0);
    EXPECT_NE(node_difference(was, read_node_identity("1.34", {}, where)), "");
    ASSERT_EQ(::mkdir(where.kubelet_conf.c_str(), 0700), 0);  // cannot be read: equal to nothing, not even itself
    const auto odd = read_node_identity("1.34", {}, where);
    EXPECT_NE(node_difference(odd, odd), "");
    std::filesystem::remove_all(root);
}

TEST_F(held_test, RootHasOursPutBackAndTheirsIsKept) {
    const auto before = look(target());
    ASSERT_TRUE(hold_manifest(place, request()));
    const std::string theirs = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: theirs\n";
    write_whole_file(target(), theirs);
    put_back_options options;
    options.whatever_it_is = options.over_theirs = true;
    const auto back = put_back_manifest(place, options);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->result, put_back_result::put_back);
    EXPECT_EQ(look(target()), before);
    ASSERT_EQ(back->remarks.size(), 1u);
    EXPECT_NE(back->remarks[0].find("is kept as"), std::string::npos);
    const auto kept = names_in(held_directory());
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_TRUE(kept.begin()->starts_with("kube-scheduler.yaml.superseded-")) << *kept.begin();
    EXPECT_EQ(read_whole(held_directory() + "/" + *kept.begin()), theirs);
    const auto found = find_held(place.directory);
    ASSERT_TRUE(found) << found.error();
    EXPECT_TRUE(found->empty()) << "what is kept is not taken for a hold";
}

TEST_F(held_test, WhoMustDecideIsToldTheOptionsThatThereAre) {
    ASSERT_TRUE(hold_manifest(place, request()));
    write_whole_file(held_directory() + "/kube-scheduler.yaml", "changed");
    const auto back = put_back_manifest(place);
    ASSERT_FALSE(back);
    EXPECT_NE(back.error().find("delvegate restore kube-scheduler --put-back-ours, or --keep-theirs"), std::string::npos)
        << back.error();
}

}  // namespace
}  // namespace launcher::test
