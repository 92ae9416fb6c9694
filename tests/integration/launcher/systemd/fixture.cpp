#include "fixture.h"

#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace systemd_test {

namespace fs = std::filesystem;

std::string program(const char* name) {
    const char* path = std::getenv((std::string("DELVEGATE_TEST_") + name).c_str());
    if (path == nullptr) {
        ADD_FAILURE() << "DELVEGATE_TEST_" << name << " is not set: run this by ctest -R launcher.systemd";
        return "/nowhere";
    }
    return path;
}

std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write_file(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 6000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

void node::SetUp() {
    systemd_ = launcher::systemd_manager::connect(launcher::manager_scope::system);
    ASSERT_TRUE(systemd_) << systemd_.error();
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    directory = std::string("/srv/") + test->test_suite_name() + "." + test->name();
    fs::create_directories(directory);
    ::chmod(directory.c_str(), 01777);
}

void node::TearDown() {
    if (!systemd_) return;
    for (const auto& unit : units_) {
        (void)systemd().stop(unit);
        fs::remove("/etc/systemd/system/" + unit);
        for (const char* where : {"/etc", "/run"}) fs::remove_all(where + ("/systemd/system/" + unit + ".d"));
    }
    if (units_.empty()) return;
    must(systemd().reload());
    for (const auto& unit : units_) (void)systemd().reset_failed(unit);
}

void node::unit_file(const std::string& name, const std::string& text) {
    units_.push_back(name);
    write_file("/etc/systemd/system/" + name, text);
}

void node::must(const launcher::outcome<void>& result) {
    if (!result) throw std::runtime_error(result.error());  // ends the test, not only this function
}

launcher::unit_properties node::properties(const std::string& unit) {
    const auto found = systemd().properties(unit);
    EXPECT_TRUE(found) << found.error();
    return found ? *found : launcher::unit_properties();
}

std::vector<std::string> node::command_line(pid_t pid) {
    std::vector<std::string> words;
    std::istringstream text(text_of("/proc/" + std::to_string(pid) + "/cmdline"));
    for (std::string word; std::getline(text, word, '\0');) words.push_back(word);
    return words;
}

}  // namespace systemd_test
