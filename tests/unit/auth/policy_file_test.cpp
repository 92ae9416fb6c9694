// What a policy file may not be. tests/vectors/policy holds whole files: `expect: ERROR` (or `ok`), an
// empty line, then the file.
#include "auth/policy_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace auth {
namespace {

namespace fs = std::filesystem;

std::string error_of(std::string_view text, const policy_limits& limits = {}) {
    const auto parsed = parse_policy(text, "policy.yaml", limits);
    return parsed ? "ok" : parsed.error();
}

std::string contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(policy_file, every_vector_has_its_error) {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(DELVEGATE_SOURCE_DIR "/tests/vectors/policy")) {
        const std::string all = contents(entry.path());
        const auto line = all.find('\n');
        ASSERT_TRUE(all.starts_with("expect: ") && all.substr(line, 2) == "\n\n") << entry.path();
        EXPECT_EQ(error_of(std::string_view(all).substr(line + 2)), all.substr(8, line - 8)) << entry.path();
        ++count;
    }
    EXPECT_GT(count, 30);
}

const char* const whole = R"(roles:
  - name: stepper
    classes: [observe, control]
    deny: ["Command call"]
bindings:
  - role: stepper
    users:
      - alice
      - bob
    components: ["*"]
  - role: admin
    users: [carol]
    components: ["*"]
...
)";

TEST(policy_file, half_written_it_is_refused_wherever_it_ends) {
    const std::string text = whole;
    ASSERT_EQ(error_of(text), "ok");
    // The newline behind the mark is not missed.
    for (std::size_t cut = 0; cut + 1 < text.size(); ++cut)
        EXPECT_NE(error_of(text.substr(0, cut)), "ok") << "cut at " << cut;
}

// A file that is written over block by block: its end is there, its middle still old or empty.
TEST(policy_file, a_hole_is_refused) {
    std::string text = whole;
    std::fill(text.begin() + 40, text.begin() + 60, '\0');
    EXPECT_EQ(error_of(text), "policy.yaml: has a NUL byte; is it half written?");
}

TEST(policy_file, more_than_its_limits_is_refused) {
    const std::string text = whole;
    EXPECT_EQ(error_of(text, {.file = text.size() - 1}),
              "policy.yaml: longer than " + std::to_string(text.size() - 1) + " bytes");
    EXPECT_EQ(error_of(text, {.roles = 0}), "policy.yaml:2:3: `roles` has more than 0 entries");
    EXPECT_EQ(error_of(text, {.bindings = 1}), "policy.yaml:6:3: `bindings` has more than 1 entries");
    EXPECT_EQ(error_of(text, {.names = 1}), "policy.yaml:3:14: `classes` has more than 1 entries");
    EXPECT_EQ(error_of(text, {.name = 6}), "policy.yaml:2:11: `name` has a name of more than 6 bytes");
    EXPECT_EQ(error_of(text, {.glob = 11}), "policy.yaml:4:12: `deny` has a name of more than 11 bytes");
    EXPECT_EQ(error_of(text, {.nodes = 10}), "policy.yaml:4:5: too many entries");
    EXPECT_EQ(error_of(text, {.depth = 2}), "policy.yaml:2:5: nested too deeply");
}

// Deep enough to end a recursive reader's stack.
TEST(policy_file, depth_is_no_danger) {
    EXPECT_EQ(error_of(std::string(200'000, '[')), "policy.yaml:1:5: nested too deeply");
    std::string blocks;
    for (int i = 0; i < 300; ++i) blocks += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    EXPECT_EQ(error_of(blocks), "policy.yaml:9:9: nested too deeply");
}

TEST(policy_file, reads_a_file) {
    const fs::path directory = fs::temp_directory_path() / ("policy-test-" + std::to_string(::getpid()));
    fs::create_directories(directory);
    const auto file = (directory / "policy.yaml").string();
    EXPECT_EQ(read_policy(file).error(), file + ": cannot be read; is it there, and may this user read it?");
    std::ofstream(file) << whole;
    EXPECT_EQ(read_policy(file)->bindings().size(), 2u);
    for (const mode_t others : {0020, 0002}) {
        ASSERT_EQ(::chmod(file.c_str(), 0644 | others), 0);
        EXPECT_EQ(read_policy(file).error(), file + ": can be changed by others than its owner; run: chmod go-w " + file);
    }
    ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
    EXPECT_EQ(read_policy(file)->bindings()[1].where, file + ":11:5, binding 2");
    std::ofstream(file) << std::string(300 * 1024, ' ');
    EXPECT_EQ(read_policy(file).error(), file + ": longer than 262144 bytes");
    EXPECT_FALSE(read_policy(directory.string()));
    fs::remove_all(directory);
}

TEST(policy_file, the_example_of_the_documentation_is_one) {
    const std::string page = contents(DELVEGATE_SOURCE_DIR "/docs/policy.md");
    const auto start = page.find("```yaml\n");
    ASSERT_NE(start, page.npos);
    const auto end = page.find("```\n", start + 8);
    EXPECT_EQ(error_of(page.substr(start + 8, end - start - 8)), "ok");
}

}  // namespace
}  // namespace auth
