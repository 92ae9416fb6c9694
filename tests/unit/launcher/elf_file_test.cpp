#include "launcher/elf_file.h"

#include <gtest/gtest.h>

#include "elf_builder.h"

namespace launcher {
namespace {

using launcher_test::bytes_of;
using launcher_test::elf_builder;
using launcher_test::opened_elf;
using launcher_test::scratch;

class elf_files : public testing::Test {
protected:
    opened_elf open(const elf_builder& builder) { return open(builder.build()); }
    opened_elf open(const std::string& bytes) {
        return opened_elf(directory_.file("program", bytes));
    }
    void expect_refused(const std::string& bytes, const std::string& because) {
        const auto elf = open(bytes);
        ASSERT_FALSE(elf.file);
        EXPECT_NE(elf.file.error().find(because), std::string::npos) << elf.file.error();
        EXPECT_EQ(elf.file.error().find('\n'), std::string::npos) << elf.file.error();
    }
    scratch directory_;
};

std::string packed(std::uint32_t how, std::uint64_t unpacked, const std::string& bytes) {
    Elf64_Chdr header{};
    header.ch_type = how;
    header.ch_size = unpacked;
    header.ch_addralign = 1;
    return bytes_of(header) + bytes;
}

TEST_F(elf_files, finds_sections_and_memory) {
    elf_builder builder;
    builder.add(".text", "code", 0x1000).add(".data", "hello world", 0x5000).add(".note", "n");
    builder.loader = "/lib64/ld-linux-x86-64.so.2";
    const auto elf = open(builder);
    ASSERT_TRUE(elf.file) << elf.file.error();
    EXPECT_TRUE(elf.file->has_section(".note"));
    EXPECT_FALSE(elf.file->has_section(".not"));
    EXPECT_EQ(elf.file->section(".data", 11), "hello world");
    EXPECT_EQ(elf.file->section(".data", 10), "") << "above the limit";
    EXPECT_EQ(elf.file->section_address(".data"), 0x5000u);
    EXPECT_EQ(elf.file->memory(0x5006, 5), "world");
    EXPECT_FALSE(elf.file->memory(0x5006, 6)) << "beyond the segment";
    EXPECT_FALSE(elf.file->memory(0x4fff, 1));
    EXPECT_FALSE(elf.file->memory(0x5000, std::size_t(-1)));
    EXPECT_FALSE(elf.file->memory(std::uint64_t(-1), 2));
    EXPECT_EQ(elf.file->interpreter(), "/lib64/ld-linux-x86-64.so.2");
    EXPECT_FALSE(elf.file->has_debug_info());
    EXPECT_FALSE(elf.file->has_symbols());
}

TEST_F(elf_files, reads_go_strings) {
    elf_builder builder;
    const std::uint64_t text = 0x2000, length = 7;
    builder.add(".rodata", "v1.34.1 and more", 0x2000);
    builder.add(".data",
                bytes_of(text) + bytes_of(length) + bytes_of(text) + bytes_of(std::uint64_t(17)) +
                    bytes_of(text) + bytes_of(std::uint64_t(-1)) + bytes_of(std::uint64_t(0)) +
                    bytes_of(std::uint64_t(0)),
                0x3000);
    const auto elf = open(builder);
    ASSERT_TRUE(elf.file) << elf.file.error();
    EXPECT_EQ(elf.file->go_string(0x3000, 100), "v1.34.1");
    EXPECT_FALSE(elf.file->go_string(0x3000, 6)) << "above the limit";
    EXPECT_FALSE(elf.file->go_string(0x3010, 100)) << "beyond the segment";
    EXPECT_FALSE(elf.file->go_string(0x3020, 100)) << "a negative length";
    EXPECT_EQ(elf.file->go_string(0x3030, 100), "") << "an empty one points nowhere";
    EXPECT_FALSE(elf.file->go_string(0x3038, 100)) << "half of it is outside";
    EXPECT_FALSE(elf.file->go_string(std::uint64_t(-8), 100));
}

TEST_F(elf_files, applies_a_relocation_where_the_program_is_position_independent) {
    elf_builder builder;
    builder.add(".rodata", "relocated", 0x2000);
    builder.add(".data", bytes_of(std::uint64_t(0)) + bytes_of(std::uint64_t(9)), 0x3000);
    Elf64_Rela relocation{};
    relocation.r_offset = 0x3000;
#if defined(__aarch64__)
    relocation.r_info = ELF64_R_INFO(0, R_AARCH64_RELATIVE);
#else
    relocation.r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE);
#endif
    relocation.r_addend = 0x2000;
    builder.parts.push_back(
        {".rela.dyn", SHT_RELA, 0, 0, bytes_of(relocation), 0, sizeof relocation});
    builder.type = ET_DYN;
    EXPECT_EQ(open(builder).file->go_string(0x3000, 100), "relocated");
    builder.type = ET_EXEC;
    EXPECT_FALSE(open(builder).file->go_string(0x3000, 100));
}

TEST_F(elf_files, finds_a_variable_also_below_vendor) {
    const auto with_symbol = [](const std::string& name, unsigned char kind) {
        elf_builder builder;
        Elf64_Sym symbol{};
        symbol.st_name = 1;
        symbol.st_info = static_cast<unsigned char>(ELF64_ST_INFO(STB_GLOBAL, kind));
        symbol.st_value = 0x3000;
        symbol.st_size = 16;
        builder.parts.push_back({".symtab", SHT_SYMTAB, 0, 0,
                                 bytes_of(Elf64_Sym{}) + bytes_of(symbol), 2, sizeof symbol});
        builder.parts.push_back({".strtab", SHT_STRTAB, 0, 0, std::string(1, '\0') + name + '\0'});
        return builder;
    };
    EXPECT_EQ(open(with_symbol("a.io/b.v", STT_OBJECT)).file->data_symbol("a.io/b.v")->address,
              0x3000u);
    EXPECT_EQ(
        open(with_symbol("k/vendor/a.io/b.v", STT_OBJECT)).file->data_symbol("a.io/b.v")->name,
        "k/vendor/a.io/b.v");
    EXPECT_FALSE(open(with_symbol("xa.io/b.v", STT_OBJECT)).file->data_symbol("a.io/b.v"));
    EXPECT_FALSE(open(with_symbol("a.io/b.v", STT_FUNC)).file->data_symbol("a.io/b.v"));
    EXPECT_TRUE(open(with_symbol("a.io/b.v", STT_OBJECT)).file->has_symbols());
}

TEST_F(elf_files, adds_up_what_debug_sections_hold_unpacked) {
    elf_builder builder;
    builder.add(".debug_info", std::string(100, 'i'));
    builder.parts.push_back({".debug_line", SHT_PROGBITS, SHF_COMPRESSED, 0,
                             packed(ELFCOMPRESS_ZLIB, 5000, std::string(50, 'z'))});
    builder.add(".zdebug_str", std::string("ZLIB\0\0\0\0\0\0\x03\xe8", 12) + std::string(20, 'z'));
    builder.add(".data", std::string(777, 'd'));
    const auto elf = open(builder);
    ASSERT_TRUE(elf.file) << elf.file.error();
    EXPECT_TRUE(elf.file->has_debug_info());
    EXPECT_EQ(*elf.file->debug_bytes(), 100u + 5000u + 1000u);
}

TEST_F(elf_files, does_not_believe_in_sections_that_unpack_to_too_much) {
    for (const auto size : {std::uint64_t(1) << 20, std::uint64_t(1) << 40, ~std::uint64_t(0)}) {
        elf_builder builder;
        builder.parts.push_back({".debug_info", SHT_PROGBITS, SHF_COMPRESSED, 0,
                                 packed(ELFCOMPRESS_ZLIB, size, std::string(50, 'z'))});
        const auto bytes = open(builder).file->debug_bytes();
        ASSERT_FALSE(bytes) << size;
        EXPECT_NE(bytes.error().find("incredible size"), std::string::npos) << bytes.error();
    }
    elf_builder unknown;
    unknown.parts.push_back(
        {".debug_info", SHT_PROGBITS, SHF_COMPRESSED, 0, packed(77, 5, "zzzzz")});
    EXPECT_FALSE(open(unknown).file->debug_bytes());
    elf_builder cut;
    cut.parts.push_back({".debug_info", SHT_PROGBITS, SHF_COMPRESSED, 0, "short"});
    EXPECT_FALSE(open(cut).file->debug_bytes());
    elf_builder old;
    old.add(".zdebug_info", "ZLIB\0\0");
    EXPECT_FALSE(open(old).file->debug_bytes());
}

TEST_F(elf_files, refuses_what_is_no_program_for_this_machine) {
    const auto good = elf_builder().add(".text", "x", 0x1000).build();
    expect_refused("", "ELF");
    expect_refused("#!/bin/sh\n", "script");
    expect_refused(good.substr(0, 40), "");
    auto other = good;
    other[EI_CLASS] = ELFCLASS32;
    expect_refused(other, "word size");
    other = good;
    other[EI_DATA] = ELFDATA2MSB;
    expect_refused(other, "");
    other = good;
    reinterpret_cast<Elf64_Ehdr*>(other.data())->e_machine = EM_S390;
    expect_refused(other, "s390x");
}

TEST_F(elf_files, refuses_sections_that_lie_outside_the_file) {
    for (const auto size : {std::uint64_t(1) << 20, ~std::uint64_t(0)}) {
        elf_builder builder;
        builder.parts.push_back({".debug_info", SHT_PROGBITS, 0, 0, "x", 0, 0, size});
        expect_refused(builder.build(), "outside");
    }
    elf_builder many;
    for (int i = 0; i < 1100; ++i) many.add(".x", "");
    expect_refused(many.build(), "too many");
}

}  // namespace
}  // namespace launcher
