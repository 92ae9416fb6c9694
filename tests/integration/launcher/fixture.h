// What the launcher's tests stand on: real dlvs, programs built for them, a way to ask dlv, and
// ways to wait for something to become true.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "launcher/dlv_process.h"
#include "launcher/process_tree.h"

namespace launcher_test {

// A dlv and the Go that builds programs for it, from DELVEGATE_DLV_NEW and DELVEGATE_GO, or
// DELVEGATE_DLV_OLD and DELVEGATE_GO_OLD.
struct toolchain {
    std::string dlv;
    std::string go;
    bool is_new = true;
};
toolchain new_tools();
toolchain old_tools();

// Where what is built for tests is kept from run to run.
std::string cache_directory();

// Path of tests/support/debuggees/family built by this Go; once per build tree and machine.
enum class build { debuggable, stripped };
std::string family(const toolchain& tools, build how = build::debuggable);

// Polls until the condition holds; false after a minute, which no machine should need.
bool eventually(const std::function<bool()>& condition);

bool is_gone(pid_t pid);  // neither running nor a zombie
std::vector<pid_t> children_of(pid_t pid);
std::string link_of(const std::string& path);
std::string text_of(const std::string& path);
std::string proc(pid_t pid, const std::string& name);

// One JSON-RPC request on a connection of its own, and dlv's answer (one line); empty when it ends
// without one.
std::string ask(const launcher::dlv_address& address, const std::string& method,
                const std::string& params = "{}");
// Lets the program run; dlv answers only when it stops, which is not waited for.
void send_continue(const launcher::dlv_address& address);

class launched : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    launcher::exec_spec spec(const toolchain& tools, std::vector<std::string> args = {});
    static launcher::dlv_process::events await_event(launcher::dlv_process& dlv);
    // Announced, and the program launched: the first RPC is answered.
    static void await_ready(launcher::dlv_process& dlv);
    static launcher::dlv_process::exit_info await_exit(launcher::dlv_process& dlv);
    static pid_t debuggee_of(launcher::dlv_process& dlv);
    // No socket directory, no cgroup of this test's name.
    void expect_no_traces() const;

    std::string directory_;
    std::string name_;
};

// The same test with either dlv.
class with_either : public launched, public testing::WithParamInterface<bool> {
protected:
    static toolchain tools() { return GetParam() ? new_tools() : old_tools(); }
};
inline std::string name_of_dlv(const testing::TestParamInfo<bool>& info) {
    return info.param ? "new_dlv" : "old_dlv";
}

// Runs `body` in a child process and returns what it wrote to the descriptor it is given. Needed
// where a test must lose a privilege, or die.
std::string in_child(const std::function<void(int fd)>& body);

}  // namespace launcher_test
