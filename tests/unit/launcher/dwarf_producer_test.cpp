#include "launcher/dwarf_producer.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "dwarf_builder.h"

namespace launcher {
namespace {

using namespace launcher_test;

const std::string debug_producer = "Go cmd/compile go1.24.3; -N -l regabi";
const std::string usual_producer = "Go cmd/compile go1.24.3; regabi";

outcome<dwarf_summary> read(const elf_builder& builder, const go_buildinfo& build = {}) {
    const scratch directory;
    const opened_elf elf(directory.file("program", builder.build()));
    if (!elf.file) return elf.file.error();
    return read_dwarf_summary(*elf.file, build);
}

TEST(producer, tells_the_flags_as_dlv_reads_them) {
    EXPECT_FALSE(flags_of_producer(debug_producer).optimized);
    EXPECT_FALSE(flags_of_producer(debug_producer).inlined);
    EXPECT_TRUE(flags_of_producer(usual_producer).optimized);
    EXPECT_TRUE(flags_of_producer(usual_producer).inlined);
    EXPECT_FALSE(flags_of_producer("Go cmd/compile go1.19.8; -N regabi").optimized);
    EXPECT_TRUE(flags_of_producer("Go cmd/compile go1.19.8; -N regabi").inlined);
    EXPECT_TRUE(flags_of_producer("Go cmd/compile go1.19.8; -l regabi").optimized);
    EXPECT_FALSE(flags_of_producer("Go cmd/compile go1.19.8; -l regabi").inlined);
    EXPECT_TRUE(flags_of_producer("Go cmd/compile go1.19.8-N-l").optimized) << "no flags at all";
    EXPECT_FALSE(flags_of_producer("").optimized) << "assembly only";
}

class every_form : public testing::TestWithParam<std::pair<int, texts>> {};

TEST_P(every_form, of_units_is_understood) {
    const auto [version, where] = GetParam();
    go_buildinfo build;
    build.path = "example.test/own/cmd/thing";
    build.module = "example.test/own";
    const auto summary = read(with_debug_info(version, where,
                                              {{"crt.c", "GNU C17", DW_LANG_C99},
                                               {"runtime", usual_producer},
                                               {"main", debug_producer},
                                               {"example.test/own/pkg", usual_producer},
                                               {"example.test/owner", usual_producer},
                                               {"k8s.io/api/core/v1", usual_producer},
                                               {"k8s.io/k/vendor/k8s.io/api/v2", debug_producer},
                                               {"k8s.io/k/vendor/github.com/x", usual_producer}}),
                              build);
    ASSERT_TRUE(summary) << summary.error();
    EXPECT_EQ(summary->version, version);
    EXPECT_EQ(summary->producer, usual_producer);
    EXPECT_EQ(summary->packages, 7u);
    EXPECT_EQ(summary->own_packages, 4u);
    EXPECT_EQ(summary->optimized, 2u);
    EXPECT_EQ(summary->inlined, 2u);
    EXPECT_FALSE(summary->main_optimized);
    EXPECT_TRUE(summary->sources.empty()) << "there are no line tables";
}

INSTANTIATE_TEST_SUITE_P(producer, every_form,
                         testing::Values(std::pair(4, texts::inline_), std::pair(4, texts::strp),
                                         std::pair(5, texts::inline_), std::pair(5, texts::strp),
                                         std::pair(5, texts::strx)));

// As Go <= 1.18 compressed it, which no Go at hand does.
TEST(producer, is_read_from_zdebug_sections) {
    auto builder = with_debug_info(4, texts::inline_, {{"main", debug_producer}});
    for (auto& part : builder.parts) {
        if (!part.name.starts_with(".debug_")) continue;
        uLongf size = compressBound(part.bytes.size());
        std::string packed(size, '\0');
        ASSERT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                           reinterpret_cast<const Bytef*>(part.bytes.data()), part.bytes.size()),
                  Z_OK);
        packed.resize(size);
        std::string head = "ZLIB";
        for (int i = 7; i >= 0; --i) head += static_cast<char>(part.bytes.size() >> (8 * i));
        part.bytes = head + packed;
        part.name = ".z" + part.name.substr(1);
    }
    const auto summary = read(builder);
    ASSERT_TRUE(summary) << summary.error();
    EXPECT_EQ(summary->producer, debug_producer);
}

TEST(producer, is_not_to_be_had_from_damaged_units) {
    for (const auto where : {texts::strp, texts::strx}) {
        auto builder = with_debug_info(5, where, {{"main", debug_producer}});
        builder.parts[2].bytes.resize(builder.parts[2].bytes.size() / 2);
        EXPECT_FALSE(read(builder)) << "half a unit";
        builder = with_debug_info(5, where, {{"main", debug_producer}});
        builder.parts[1].bytes.clear();
        EXPECT_FALSE(read(builder)) << "no abbreviations";
    }
    EXPECT_FALSE(read(with_debug_info(4, texts::strp, {{"crt.c", "GNU C17", DW_LANG_C99}})));
    EXPECT_FALSE(read(elf_builder().add(".text", "x", 0x1000)));
}

}  // namespace
}  // namespace launcher
