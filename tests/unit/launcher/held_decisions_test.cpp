// What is done where the node is another one, or where root must decide.
#include "launcher/held_manifest.h"

#include "launcher/held_record.h"
#include "protocol/json.h"
#include "tests/unit/launcher/held_support.h"

namespace launcher::test {

namespace {

using held = held_state::file_state;
using at_target = held_state::target_state;
using record = held_state::record_state;

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
