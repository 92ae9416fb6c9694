// What the tests inside a node stand on: its systemd, and units that go with the test.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "launcher/systemd_manager.h"

namespace systemd_test {

// A program that came with the test: DELVEGATE_TEST_<name> in the environment.
std::string program(const char* name);

std::string text_of(const std::string& path);
void write_file(const std::string& path, const std::string& text);  // and the directories above
bool eventually(const std::function<bool()>& condition);            // false after a minute or two

class node : public ::testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    // A unit's file in /etc/systemd/system, gone with the test. Does not reload.
    void unit_file(const std::string& name, const std::string& text);
    void must(const launcher::outcome<void>& result);
    launcher::unit_properties properties(const std::string& unit);
    std::vector<std::string> command_line(pid_t pid);

    launcher::systemd_manager& systemd() { return *systemd_; }
    std::string directory;  // of this test, writable for all

private:
    launcher::outcome<launcher::systemd_manager> systemd_{std::string("not connected")};
    std::vector<std::string> units_;
};

}  // namespace systemd_test
