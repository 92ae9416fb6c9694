#include "launcher/debug_binary.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <random>

#include "dwarf_builder.h"

namespace launcher {
namespace {

using namespace launcher_test;

class debug_binaries : public testing::Test {
protected:
    outcome<debug_binary> examine(const std::string& path) const {
        return examine_debug_binary(path, {"thing", "", false, {1, 27, 1}, ""});
    }
    outcome<debug_binary> examine(const elf_builder& builder, mode_t mode = 0755) const {
        return examine(directory_.file("thing", builder.build(), mode));
    }
    static elf_builder good(const std::string& producer = "Go cmd/compile go1.26.1; -N -l regabi") {
        auto builder = with_debug_info(5, texts::strx, {{"main", producer}});
        builder.add(".go.buildinfo", go_buildinfo_section("go1.26.1"), 0x4000);
        return builder;
    }
    static void expect(const outcome<debug_binary>& binary, severity how, const std::string& part) {
        ASSERT_TRUE(binary) << binary.error();
        for (const auto& found : binary->findings) {
            EXPECT_EQ(found.text.find('\n'), std::string::npos) << found.text;
            if (found.how == how && found.text.find(part) != std::string::npos) return;
        }
        std::string all;
        for (const auto& found : binary->findings) all += found.text + "\n";
        ADD_FAILURE() << "nothing of \"" << part << "\" in:\n" << all;
    }
    scratch directory_;
};

TEST_F(debug_binaries, that_are_fit_have_nothing_against_them) {
    const auto binary = examine(good());
    ASSERT_TRUE(binary) << binary.error();
    EXPECT_TRUE(binary->findings.empty()) << binary->findings[0].text;
    EXPECT_EQ(binary->build.go_version, "go1.26.1");
    EXPECT_EQ(binary->debug.version, 5);
    EXPECT_GT(binary->debug_bytes, 0u);
    EXPECT_GE(binary->memory_needed, dlv_memory_estimate(0));
    EXPECT_TRUE(same_file(binary->path, binary->identity));
}

TEST_F(debug_binaries, tell_what_optimization_costs) {
    expect(examine(good("Go cmd/compile go1.26.1; regabi")), severity::warning, "without -N -l");
    expect(examine(good("Go cmd/compile go1.26.1; -l regabi")), severity::warning, "without -N:");
    expect(examine(good("Go cmd/compile go1.26.1; -N regabi")), severity::warning, "without -l:");
    auto only_main = with_debug_info(4, texts::strp,
                                     {{"main", "Go cmd/compile go1.26.1; -N -l regabi"},
                                      {"k8s.io/a", "Go cmd/compile go1.26.1; regabi"},
                                      {"k8s.io/b", "Go cmd/compile go1.26.1; regabi"}});
    only_main.add(".go.buildinfo", go_buildinfo_section("go1.26.1"), 0x4000);
    expect(examine(only_main), severity::warning, "2 of its own 3 packages");
    expect(examine(only_main), severity::warning, "`all=` was left out");
}

TEST_F(debug_binaries, are_judged_by_the_go_that_compiled_them) {
    expect(examine(good("Go cmd/compile go1.19.8; -N -l regabi")), severity::refusal,
           "made by go1.19.8, and dlv 1.27.1 debugs Go 1.25 to 1.27");
}

TEST_F(debug_binaries, without_debug_information_are_refused) {
    elf_builder stripped;
    stripped.add(".go.buildinfo", go_buildinfo_section("go1.26.1"), 0x4000);
    expect(examine(stripped), severity::refusal, "-s -w");
    auto symbols = stripped;
    symbols.add(".strtab", std::string(1, '\0'));
    symbols.parts.push_back(
        {".symtab", SHT_SYMTAB, 0, 0, bytes_of(Elf64_Sym{}), 2, sizeof(Elf64_Sym)});
    expect(examine(symbols), severity::refusal, "linked with -w;");
    expect(examine(elf_builder().add(".text", "x", 0x1000)), severity::refusal,
           "not a program made by Go");
    expect(examine(std::string("/proc/self/exe")), severity::refusal, "Go");
}

TEST_F(debug_binaries, that_others_can_change_are_refused_and_not_parsed) {
    const auto binary = examine(good(), 0777);
    expect(binary, severity::refusal, "can be written by others");
    EXPECT_EQ(binary->build.go_version, "");
    EXPECT_EQ(binary->findings.size(), 1u);
    EXPECT_TRUE(binary->refused());
}

TEST_F(debug_binaries, that_cannot_be_executed_are_refused) {
    expect(examine(good(), 0644), severity::refusal, "not executable");
    expect(examine(good(), 04755), severity::refusal, "set-uid");
    auto elsewhere = good();
    elsewhere.loader = "/lib64/ld-of-another-machine.so.2";
    expect(examine(elsewhere), severity::refusal, "/lib64/ld-of-another-machine.so.2");
    elsewhere.loader = "/proc/self/exe";
    EXPECT_FALSE(examine(elsewhere)->refused());
    expect(examine(directory_.file("script", "#!/bin/sh\n")), severity::refusal, "script");
    EXPECT_FALSE(examine(directory_.path() + "/none"));
}

TEST_F(debug_binaries, tell_refusals_first) {
    const auto binary = examine(good("Go cmd/compile go1.19.8; regabi"), 0644);
    ASSERT_TRUE(binary);
    ASSERT_EQ(binary->findings.size(), 3u);
    EXPECT_EQ(binary->findings[0].how, severity::refusal);
    EXPECT_EQ(binary->findings[1].how, severity::refusal);
    EXPECT_EQ(binary->findings[2].how, severity::warning);
}

// Whatever a byte of it becomes, there is an answer.
TEST_F(debug_binaries, of_any_bytes_are_survived) {
    auto builder = good();
    builder.loader = "/lib64/ld.so";
    builder.parts.push_back(
        {".debug_line", SHT_PROGBITS, SHF_COMPRESSED, 0, std::string(24, '\1') + "zzzz"});
    const auto bytes = builder.build();
    std::mt19937 random(20261126);
    std::size_t answered = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (const int value : {0, 0xff, bytes[at] ^ 1, static_cast<int>(random() & 0xff)}) {
            auto changed = bytes;
            changed[at] = static_cast<char>(value);
            answered += examine(directory_.file("thing", changed)) ? 1 : 0;
        }
    EXPECT_EQ(answered, bytes.size() * 4);
    for (std::size_t some = 0; some < bytes.size(); some += 3)
        EXPECT_TRUE(examine(directory_.file("thing", bytes.substr(0, some))));
}

TEST(memory_of_dlv, is_not_below_what_was_measured) {
    const auto mib = [](double count) { return static_cast<std::uint64_t>(count * 1048576); };
    EXPECT_GE(dlv_memory_estimate(mib(1.8)), mib(31));
    EXPECT_GE(dlv_memory_estimate(mib(8.1)), mib(65));
    EXPECT_GE(dlv_memory_estimate(mib(11.2)), mib(74));
    EXPECT_GE(dlv_memory_estimate(mib(65)), 430000000u);
    EXPECT_LE(dlv_memory_estimate(mib(65)), 600000000u);
}

TEST(finding_the_debug_binary, takes_the_configured_one_else_that_of_the_same_name) {
    component_definition definition;
    definition.name = "scheduler";
    const auto error = find_debug_binary(definition, "kube-scheduler");
    ASSERT_FALSE(error);
    EXPECT_NE(error.error().find("`binary` in launcher.yaml"), std::string::npos) << error.error();
    EXPECT_NE(error.error().find("kube-scheduler"), std::string::npos);
    definition.binary_directory = "/opt/debug/";
    EXPECT_EQ(*find_debug_binary(definition, "kube-scheduler"), "/opt/debug/kube-scheduler");
    for (const auto& name :
         {std::string(), std::string(".."), std::string("../sh"), std::string("a\0b", 3)})
        EXPECT_FALSE(find_debug_binary(definition, name)) << name;
    definition.binary = "/root/kube-scheduler.dbg";
    EXPECT_EQ(*find_debug_binary(definition, "kube-scheduler"), "/root/kube-scheduler.dbg");
    definition.binary = "kube-scheduler";
    EXPECT_FALSE(find_debug_binary(definition, "kube-scheduler"));
    definition.binary.clear();
    definition.binary_directory = "debug";
    EXPECT_FALSE(find_debug_binary(definition, "kube-scheduler"));
}

}  // namespace
}  // namespace launcher
