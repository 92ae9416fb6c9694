#include "launcher/exec_check.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace launcher {
namespace {

class exec_check : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "exec-check-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string file(const std::string& content, mode_t mode = 0755) {
        const auto path = directory_ + "/program";
        std::ofstream(path) << content;
        ::chmod(path.c_str(), mode);
        return path;
    }
    std::string elf(int machine, int type) {
        Elf64_Ehdr header{};
        std::ifstream self("/proc/self/exe");
        self.read(reinterpret_cast<char*>(&header), sizeof header);
        if (machine != 0) header.e_machine = static_cast<Elf64_Half>(machine);
        if (type != 0) header.e_type = static_cast<Elf64_Half>(type);
        return std::string(reinterpret_cast<const char*>(&header), sizeof header);
    }
    void expect_refused(const std::string& path, const std::string& because) {
        const auto verdict = check_program(path);
        ASSERT_FALSE(verdict) << path;
        EXPECT_NE(verdict.error().find(because), std::string::npos) << verdict.error();
        EXPECT_EQ(verdict.error().find('\n'), std::string::npos) << verdict.error();
    }

    std::string directory_;
};

TEST_F(exec_check, lets_a_program_pass) {
    EXPECT_TRUE(check_program("/proc/self/exe"));
    EXPECT_TRUE(check_program(file(elf(0, 0))));
}

TEST_F(exec_check, names_what_is_wrong_with_a_file) {
    expect_refused("", "no program is named");
    expect_refused("app", "not an absolute path");
    expect_refused(directory_ + "/none", "there is no file");
    expect_refused(directory_, "is a directory");
    expect_refused("/dev/null", "not a regular file");
    expect_refused(file(""), "is empty");
    expect_refused(file(elf(0, 0), 0644), "chmod +x");
}

TEST_F(exec_check, names_what_is_wrong_with_a_program) {
    expect_refused(file("#!/bin/sh\necho hello\n"), "is a script");
    expect_refused(file("package main\n\nfunc main() {}\n"), "no ELF header");
    expect_refused(file("\x7f"
                        "ELF"),
                   "no ELF header");
    expect_refused(file("MZ\x90 and so on"), "Windows");
    expect_refused(file(elf(EM_S390, 0)), "is built for s390x");
    expect_refused(file(elf(0, ET_REL)), "not a program");
}

TEST_F(exec_check, judges_a_working_directory) {
    EXPECT_TRUE(check_directory(directory_));
    for (const auto& path :
         {directory_ + "/none", file("x"), std::string("relative"), std::string()})
        EXPECT_FALSE(check_directory(path)) << path;
}

}  // namespace
}  // namespace launcher
