#include "launcher/go_buildinfo.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "elf_builder.h"
#include "launcher/fd.h"

namespace launcher {
namespace {

using launcher_test::bytes_of;
using launcher_test::elf_builder;
using launcher_test::opened_elf;
using launcher_test::scratch;

const std::string lines =
    "path\tk8s.io/kubernetes/cmd/kubelet\nmod\tk8s.io/kubernetes\tv1.34.1\t\n"
    "dep\tgithub.com/a/b\tv1.2.3\th1:x=\n=>\t./b\t(devel)\t\n"
    "build\t-gcflags=\"all=-N -l\"\nbuild\t-ldflags=\"-X \\\"a.b=c d\\\"\"\nbuild\tCGO_ENABLED=0\n";
const std::string frame(16, '\xf9');

std::string head(int pointer_size, int flags) {
    return std::string("\xff Go buildinf:", 14) + static_cast<char>(pointer_size) +
           static_cast<char>(flags) + std::string(16, '\0');
}

std::string with_length(const std::string& text) {
    std::string result;
    auto left = text.size();
    for (; left >= 0x80; left >>= 7) result += static_cast<char>(left | 0x80);
    return result + static_cast<char>(left) + text;
}

std::optional<go_buildinfo> read(const elf_builder& builder) {
    const scratch directory;
    const opened_elf elf(directory.file("program", builder.build()));
    EXPECT_TRUE(elf.file) << elf.file.error();
    return read_go_buildinfo(*elf.file);
}

std::optional<go_buildinfo> read(const std::string& section) {
    return read(elf_builder().add(".go.buildinfo", section, 0x4000));
}

void expect_all(const std::optional<go_buildinfo>& build, const std::string& version) {
    ASSERT_TRUE(build);
    EXPECT_EQ(build->go_version, version);
    EXPECT_EQ(build->path, "k8s.io/kubernetes/cmd/kubelet");
    EXPECT_EQ(build->module, "k8s.io/kubernetes");
    EXPECT_EQ(build->module_version, "v1.34.1");
    EXPECT_EQ(build->setting("-gcflags"), "all=-N -l");
    EXPECT_EQ(build->setting("-ldflags"), "-X \"a.b=c d\"");
    EXPECT_EQ(build->setting("CGO_ENABLED"), "0");
    EXPECT_EQ(build->setting("-trimpath"), "");
}

TEST(go_buildinfo, is_read_where_it_is_inline) {
    expect_all(read(head(0, 2) + with_length("go1.24.3") + with_length(frame + lines + frame)),
               "go1.24.3");
}

TEST(go_buildinfo, is_read_by_its_pointers_as_before_go_1_18) {
    const auto text = frame + lines + frame;
    const std::string version = "go1.16.15";
    elf_builder builder;
    auto section = head(8, 0);
    section.replace(16, 16, bytes_of(std::uint64_t(0x6000)) + bytes_of(std::uint64_t(0x6010)));
    builder.add(".go.buildinfo", section, 0x4000);
    builder.add(".data",
                bytes_of(std::uint64_t(0x8000)) + bytes_of(std::uint64_t(version.size())) +
                    bytes_of(std::uint64_t(0x9000)) + bytes_of(std::uint64_t(text.size())),
                0x6000);
    builder.add(".a", version, 0x8000).add(".b", text, 0x9000);
    expect_all(read(builder), version);
}

TEST(go_buildinfo, knows_the_version_of_a_program_without_modules) {
    for (const auto& module : {std::string(), std::string("nonsense"), frame + "path\tx" + frame}) {
        const auto build = read(head(0, 2) + with_length("go1.19.8") + with_length(module));
        ASSERT_TRUE(build);
        EXPECT_EQ(build->go_version, "go1.19.8");
        EXPECT_EQ(build->path, "");
    }
    const auto build = read(head(0, 2) + with_length("go1.19.8"));
    ASSERT_TRUE(build);
}

TEST(go_buildinfo, is_none_where_it_is_damaged) {
    const auto good = head(0, 2) + with_length("go1.24.3") + with_length(frame + lines + frame);
    for (std::size_t some = 0; some < head(0, 2).size() + 9; ++some)
        EXPECT_FALSE(read(good.substr(0, some))) << some;
    EXPECT_FALSE(read(head(0, 2) + std::string(9, '\xff') + "\x7f")) << "an endless length";
    EXPECT_FALSE(read(head(0, 2) + with_length(std::string(300, 'v'))));
    EXPECT_FALSE(read(head(4, 0))) << "pointers of another size";
    EXPECT_FALSE(read(head(8, 1))) << "of another order";
    EXPECT_FALSE(read(head(8, 0))) << "that lead nowhere";
    auto other = good;
    other[5] = 'x';
    EXPECT_FALSE(read(other));
}

TEST(go_buildinfo, tells_which_go_built_a_program) {
    const scratch directory;
    const auto program = directory.file(
        "dlv", elf_builder().add(".go.buildinfo", head(0, 2) + with_length("go1.25.1"), 1).build());
    EXPECT_EQ(*go_version_of(program), "go1.25.1");
    EXPECT_FALSE(go_version_of(directory.path()));
    EXPECT_FALSE(go_version_of(directory.path() + "/none"));
    EXPECT_NE(go_version_of("/proc/self/exe").error().find("not a program made by Go"),
              std::string::npos);
}

// In a file of anybody's, by the marks around the lines alone; wherever the pieces in which it is read end.
TEST(go_buildinfo, its_lines_are_found_in_any_file) {
    const std::string begin("\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6", 16);
    const std::string end("\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2", 16);
    const std::string dlvs = "path\tgithub.com/go-delve/delve/cmd/dlv\nmod\tgithub.com/go-delve/delve\tv1.27.1\th1:x=\n";
    const launcher_test::scratch directory;
    const auto found_in = [&](const std::string& bytes) {
        const unique_fd fd(::open(directory.file("program", bytes, 0600).c_str(), O_RDONLY | O_CLOEXEC));
        return find_module_info(fd.get());
    };
    constexpr std::size_t piece = 1u << 20;
    for (const std::size_t before : {std::size_t{0}, piece - 20, piece - 10, piece - 1, piece, 3 * piece + 7}) {
        const auto found = found_in(std::string(before, 'x') + begin + dlvs + end + "y");
        ASSERT_TRUE(found) << before;
        EXPECT_EQ(found->path, "github.com/go-delve/delve/cmd/dlv");
        EXPECT_EQ(found->module, "github.com/go-delve/delve");
        EXPECT_EQ(found->module_version, "v1.27.1");
    }
    EXPECT_FALSE(found_in(""));
    EXPECT_FALSE(found_in(begin + "another program looks for it"));
    EXPECT_FALSE(found_in(begin + dlvs));
    EXPECT_FALSE(find_module_info(-1));
}

}  // namespace
}  // namespace launcher
