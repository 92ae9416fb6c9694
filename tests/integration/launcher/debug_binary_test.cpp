// What is told from files that real Go linkers wrote.
#include "launcher/debug_binary.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "component_builds.h"

namespace launcher_test {
namespace {

using namespace launcher;

class debug_binaries : public testing::TestWithParam<bool> {
protected:
    static toolchain tools() { return GetParam() ? new_tools() : old_tools(); }

    // As for a running kube-scheduler v1.34.1 and this toolchain's own dlv.
    static binary_expectations expectations() {
        binary_expectations expected;
        expected.component = "kube-scheduler";
        expected.running_version = "v1.34.1";
        expected.dlv = *version_of(tools().dlv);
        expected.dlv_go = *go_version_of(tools().dlv);
        return expected;
    }
    static outcome<debug_binary> examine(const build_how& how) {
        return examine_debug_binary(component(tools(), how), expectations());
    }
    static std::string all(const debug_binary& binary) {
        std::string text;
        for (const auto& found : binary.findings)
            text += std::to_string(static_cast<int>(found.how)) + " " + found.text + " | " +
                    found.mend + "\n";
        return text;
    }
    static const finding* find(const debug_binary& binary, severity how, const std::string& part) {
        for (const auto& found : binary.findings)
            if (found.how == how && found.text.find(part) != std::string::npos) return &found;
        ADD_FAILURE() << "nothing of \"" << part << "\" in:\n" << all(binary);
        return nullptr;
    }
    static void expect_stamped(const debug_binary& binary) {
        EXPECT_EQ(binary.kubernetes_version, "v1.34.1") << all(binary);
    }
};

constexpr auto make = "git checkout v1.34.1 && make DBG=1 WHAT=cmd/kube-scheduler";

TEST_P(debug_binaries, for_debugging_are_fit) {
    const auto binary = examine(debug_build);
    ASSERT_TRUE(binary) << binary.error();
    EXPECT_TRUE(binary->findings.empty()) << all(*binary);
    expect_stamped(*binary);
    EXPECT_EQ(binary->build.path, "k8s.io/kubernetes/cmd/kube-scheduler");
    EXPECT_EQ(binary->build.module, "k8s.io/kubernetes");
    EXPECT_EQ(binary->build.setting("-gcflags"), "all=-N -l");
    EXPECT_TRUE(binary->build.go_version.starts_with(GetParam() ? "go1.2" : "go1.19"));
    EXPECT_EQ(binary->debug.version, GetParam() ? 5 : 4);
    EXPECT_GE(binary->debug.own_packages, 3u);
    EXPECT_EQ(binary->debug.optimized + binary->debug.inlined, 0u);
    EXPECT_GT(binary->debug_bytes, 100000u);
    ASSERT_GE(binary->debug.sources.size(), 2u);
    for (const auto& root : binary->debug.sources)
        EXPECT_EQ(root.prefix,
                  component_sources(debug_build) +
                      (root.module == "k8s.io/component-base" ? "/component-base" : ""))
            << root.module;
}

// What was checked is what runs, by the descriptor.
TEST_P(debug_binaries, are_executed_by_the_inode_that_was_examined) {
    const auto binary = examine(debug_build);
    ASSERT_TRUE(binary) << binary.error();
    const auto path =
        "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(binary->file.get());
    const auto said = in_child([&](int out) {
        ::dup2(out, 1);
        ::execl(path.c_str(), "kube-scheduler", nullptr);
    });
    EXPECT_TRUE(said.starts_with("Kubernetes v1.34.1")) << said;
    EXPECT_TRUE(same_file(binary->path, binary->identity));
}

TEST_P(debug_binaries, that_are_optimized_are_warned_of) {
    const auto binary = examine({{"-ldflags", stamp_of_1_34_1}});
    ASSERT_TRUE(binary) << binary.error();
    EXPECT_FALSE(binary->refused()) << all(*binary);
    const auto* found = find(*binary, severity::warning, "it was compiled without -N -l");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->mend, make);
    EXPECT_TRUE(binary->debug.main_optimized);
    EXPECT_EQ(binary->debug.optimized, binary->debug.own_packages);
}

TEST_P(debug_binaries, where_all_was_forgotten_are_warned_of) {
    const auto binary = examine({{"-gcflags", "-N -l", "-ldflags", stamp_of_1_34_1}});
    ASSERT_TRUE(binary) << binary.error();
    EXPECT_FALSE(binary->debug.main_optimized);
    find(*binary, severity::warning, "`all=` was left out");
}

TEST_P(debug_binaries, compiled_with_one_of_the_flags_are_told_what_the_other_is_for) {
    find(*examine({{"-gcflags", "all=-N", "-ldflags", stamp_of_1_34_1}}), severity::warning,
         "without -l:");
    find(*examine({{"-gcflags", "all=-l", "-ldflags", stamp_of_1_34_1}}), severity::warning,
         "without -N:");
}

TEST_P(debug_binaries, without_debug_information_are_refused) {
    const auto both = examine({{"-ldflags", "-s -w " + stamp_of_1_34_1}});
    ASSERT_TRUE(both) << both.error();
    const auto* found = find(*both, severity::refusal, "linked with -s -w");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->mend, make);
    expect_stamped(*both);  // from the recorded flags: no symbol is left

    find(*examine({{"-ldflags", "-s " + stamp_of_1_34_1}}), severity::refusal, "linked with -s -w");
    const auto w = examine({{"-ldflags", "-w " + stamp_of_1_34_1}});
    find(*w, severity::refusal, "linked with -w;");
    expect_stamped(*w);
}

TEST_P(debug_binaries, with_uncompressed_debug_information_are_read_too) {
    const auto binary =
        examine({{"-gcflags", "all=-N -l", "-ldflags", "-compressdwarf=false " + stamp_of_1_34_1}});
    ASSERT_TRUE(binary) << binary.error();
    EXPECT_TRUE(binary->findings.empty()) << all(*binary);
    EXPECT_EQ(binary->debug.sources.size(), examine(debug_build)->debug.sources.size());
}

TEST_P(debug_binaries, without_their_directories_need_a_mapping) {
    const auto binary =
        examine({{"-trimpath", "-gcflags", "all=-N -l", "-ldflags", stamp_of_1_34_1}});
    ASSERT_TRUE(binary) << binary.error();
    EXPECT_FALSE(binary->refused()) << all(*binary);
    const auto* found = find(*binary, severity::note, "-trimpath");
    ASSERT_NE(found, nullptr);
    EXPECT_NE(found->mend.find("\"k8s.io/kubernetes\""), std::string::npos) << found->mend;
    expect_stamped(*binary);  // -ldflags are not recorded, but the symbol is there
    EXPECT_EQ(binary->build.setting("-ldflags"), "");
}

TEST_P(debug_binaries, that_are_not_stamped_are_not_taken_for_the_right_version) {
    const auto binary = examine({{"-gcflags", "all=-N -l"}});
    ASSERT_TRUE(binary) << binary.error();
    EXPECT_EQ(binary->kubernetes_version, "v0.0.0-master+$Format:%H$");
    find(*binary, severity::refusal, "not stamped");
    auto other = expectations();
    other.running_version = "v1.33.4";
    const auto path = component(tools(), debug_build);
    find(*examine_debug_binary(path, other), severity::refusal, "1.34 (v1.34.1)");
    other.allow_other_minor = true;
    EXPECT_FALSE(examine_debug_binary(path, other)->refused());
    other.component = "kube-proxy";
    find(*examine_debug_binary(path, other), severity::refusal, "it is kube-scheduler");
}

TEST_P(debug_binaries, that_are_position_independent_are_read_too) {
    const auto binary =
        examine({{"-buildmode=pie", "-gcflags", "all=-N -l", "-ldflags", stamp_of_1_34_1}});
    ASSERT_TRUE(binary) << binary.error();
    expect_stamped(*binary);
    EXPECT_FALSE(binary->refused()) << all(*binary);
}

// Kubernetes up to 1.24: names below k8s.io/kubernetes/vendor, no modules.
TEST(gopath_binaries, are_read_with_their_vendored_names) {
    const build_how how{
        {"-gcflags", "all=-N -l", "-ldflags",
         "-X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v1.20.2"},
        true};
    binary_expectations expected{"kube-scheduler", "v1.20.2", false, {1, 20, 2}, ""};
    const auto binary = examine_debug_binary(component(old_tools(), how), expected);
    ASSERT_TRUE(binary) << binary.error();
    EXPECT_TRUE(binary->findings.empty()) << binary->findings[0].text;
    EXPECT_EQ(binary->kubernetes_version, "v1.20.2");
    EXPECT_EQ(binary->build.module, "");
    bool vendored = false;
    for (const auto& root : binary->debug.sources) {
        const auto base = component_sources(how);
        if (root.module == "k8s.io/component-base") {
            EXPECT_EQ(root.prefix, base + "/vendor/k8s.io/component-base");
            vendored = true;
        } else {
            EXPECT_EQ(root.prefix, base) << root.module;
        }
    }
    EXPECT_TRUE(vendored);
}

// As Kubernetes 1.24 builds with DBG=1: paths relative to the root.
TEST(gopath_binaries, whose_paths_are_relative_need_a_mapping) {
    const build_how base{{}, true};
    const build_how how{{"-gcflags", "all=-trimpath=" + component_sources(base) + " -N -l"}, true};
    const auto binary = examine_debug_binary(component(old_tools(), how),
                                             {"kube-scheduler", "v1.24.0", true, {1, 20, 2}, ""});
    ASSERT_TRUE(binary) << binary.error();
    bool found = false;
    for (const auto& one : binary->findings)
        found =
            found || one.text.find("k8s.io/kubernetes relative to its root") != std::string::npos;
    EXPECT_TRUE(found);
}

TEST(other_dlvs, are_told_apart_from_those_that_fit) {
    binary_expectations expected{"kube-scheduler", "v1.34.1", false, {1, 20, 2}, ""};
    const auto made_new = examine_debug_binary(component(new_tools(), debug_build), expected);
    EXPECT_TRUE(made_new->refused());
    expected.dlv = {1, 27, 1};
    const auto made_old = examine_debug_binary(component(old_tools(), debug_build), expected);
    ASSERT_TRUE(made_old->refused());
    EXPECT_NE(made_old->findings[0].mend.find("dlv@v1.22.1"), std::string::npos)
        << made_old->findings[0].mend;
}

// Whatever a byte of a real program's headers, section table or debug information becomes, there is
// an answer; mostly the words for what is damaged.
TEST_P(debug_binaries, of_damaged_bytes_are_survived) {
    namespace fs = std::filesystem;
    const auto copy = testing::TempDir() + "damaged-" + std::to_string(::getpid());
    fs::copy_file(component(tools(), debug_build), copy, fs::copy_options::overwrite_existing);
    const unique_fd fd(::open(copy.c_str(), O_RDWR | O_CLOEXEC));
    const auto size = static_cast<std::uint64_t>(fs::file_size(copy));
    std::uint64_t table = 0;
    ASSERT_EQ(::pread(fd.get(), &table, sizeof table, 40), 8);  // e_shoff
    ASSERT_LT(table, size);
    const struct {
        std::uint64_t from, to;
    } regions[] = {{0, 64},
                   {64, 1024},
                   {table, size},
                   {table, std::min(table + 2600, size)},
                   {size / 2, size}};
    std::mt19937 random(4);
    std::size_t refused = 0, survived = 0;
    for (int round = 0; round < 1500; ++round) {
        const auto& region = regions[random() % 5];
        if (region.from >= region.to) continue;
        const auto at = static_cast<off_t>(region.from + random() % (region.to - region.from));
        unsigned char old = 0;
        ASSERT_EQ(::pread(fd.get(), &old, 1, at), 1);
        const auto value = static_cast<unsigned char>(random() % 3 == 0 ? 0xff : random());
        ASSERT_EQ(::pwrite(fd.get(), &value, 1, at), 1);
        const auto binary = examine_debug_binary(copy, expectations());
        ASSERT_TRUE(binary) << binary.error();
        ++survived;
        refused += binary->refused() ? 1 : 0;
        ASSERT_EQ(::pwrite(fd.get(), &old, 1, at), 1);
    }
    EXPECT_GT(refused, survived / 10) << "the damage did not reach what is read";
    fs::remove(copy);
}

INSTANTIATE_TEST_SUITE_P(go, debug_binaries, testing::Bool(),
                         [](const auto& one) { return one.param ? "new_go" : "old_go"; });

}  // namespace
}  // namespace launcher_test
