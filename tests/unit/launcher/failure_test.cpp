// dlv's real words, and what we make of them. The outputs are of dlv 1.20.2 and 1.27.1.
#include "launcher/failure.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

const std::string announced = "API server listening at: 127.0.0.1:42045\n";

exec_spec spec_of_app() {
    exec_spec spec;
    spec.name = "app";
    spec.binary = "/opt/app";
    spec.output_file = "/var/log/app.log";
    return spec;
}

struct vector {
    const char* what;
    std::string output;
    int code;
    int signal;
    std::vector<std::string> expected;  // each part occurs
};

class explain : public testing::TestWithParam<vector> {};

TEST_P(explain, names_cause_and_remedy) {
    const auto& [what, output, code, signal, expected] = GetParam();
    const auto words = explain_failure(spec_of_app(), output, code, signal);
    for (const auto& part : expected)
        EXPECT_NE(words.find(part), std::string::npos) << what << "\n"
                                                       << words << "\nlacks: " << part;
    EXPECT_EQ(words.find('\n'), std::string::npos) << words;
}

INSTANTIATE_TEST_SUITE_P(
    dlv, explain,
    testing::Values(
        vector{
            "stripped",
            announced + "could not launch process: could not open debug info - debuggee must not "
                        "be built with 'go run' or -ldflags='-s -w', which strip debug info\n",
            1,
            0,
            {"/opt/app has no debug information", "without -ldflags"}},
        vector{"program too old",
               announced +
                   "Go version go1.19.8 is too old for this version of Delve (minimum supported "
                   "version 1.25, suppress this error with --check-go-version=false)\n",
               1,
               0,
               {"was built with Go 1.19.8", "at least Go 1.25"}},
        vector{
            "program too old, 1.20",
            announced + "Go version 1.12.8 is too old for this version of Delve (minimum supported "
                        "version 1.18, suppress this error with --check-go-version=false)\n",
            1,
            0,
            {"was built with Go 1.12.8", "at least Go 1.18"}},
        vector{"dlv too old",
               announced + "Version of Delve is too old for Go version 1.29.8 (maximum supported "
                           "version 1.20, suppress this error with --check-go-version=false)\n",
               1,
               0,
               {"dlv is too old for /opt/app", "built with Go 1.29.8", "up to 1.20", "go install"}},
        vector{"missing",
               announced + "could not launch process: open /opt/app: no such file or directory\n",
               1,
               0,
               {"there is no file /opt/app"}},
        vector{"unreadable",
               announced + "could not launch process: open /opt/app: permission denied\n",
               1,
               0,
               {"may not read /opt/app"}},
        vector{"not executable",
               announced + "could not launch process: not an executable file\n",
               1,
               0,
               {"/opt/app is not an executable Go program"}},
        vector{
            "ptrace denied",
            announced + "could not launch process: fork/exec /opt/app: operation not permitted\n",
            1,
            0,
            {"may not trace /opt/app", "ptrace is denied", "SYS_PTRACE"}},
        vector{"no x bit for the user",
               announced + "could not launch process: fork/exec /opt/app: permission denied\n",
               1,
               0,
               {"may not execute /opt/app"}},
        vector{
            "working directory gone",
            announced + "could not launch process: fork/exec /opt/app: no such file or directory\n",
            1,
            0,
            {"the working directory"}},
        vector{"architecture",
               announced + "could not launch process: fork/exec /opt/app: exec format error\n",
               1,
               0,
               {"not a program for this machine"}},
        vector{"backend",
               announced + "could not launch process: unknown backend \"x\"\n",
               1,
               0,
               {"no such backend"}},
        vector{"new words",
               announced + "could not launch process: the moon is full\n",
               1,
               0,
               {"could not launch /opt/app: the moon is full", "/var/log/app.log"}},
        vector{"listener",
               "couldn't start listener: listen unix /run/x/dlv.sock: bind: no such file or "
               "directory\n",
               1,
               0,
               {"dlv could not listen", "bind: no such file"}},
        vector{"listener, 1.20 on unix:",
               "couldn't start listener: listen tcp: lookup tcp//run/x/dlv.sock: unknown port\n",
               1,
               0,
               {"dlv could not listen"}},
        vector{"usage",
               "Error: unknown flag: --accept-multiclient\nUsage:\n  dlv exec <path/to/binary> "
               "[flags]\n",
               0,
               0,
               {"does not understand how it was started", "unknown flag: --accept-multiclient"}},
        vector{"API version", announced + "unknown API version\n", 1, 0, {"API version 2"}},
        vector{"crash",
               announced + "panic: runtime error: invalid memory address or nil pointer "
                           "dereference\n\ngoroutine 1 [running]:\n",
               2,
               0,
               {"crashed", "nil pointer", "/var/log/app.log"}},
        vector{"killed", announced, 0, 9, {"killed by SIGKILL", "want of memory"}},
        vector{"segfault", announced, 0, 11, {"killed by SIGSEGV"}},
        vector{"detached", announced, 0, 0, {"ended by itself"}},
        vector{"silent", "", 3, 0, {"exit code 3", "printed nothing"}}));

TEST(explain_failure, does_not_believe_the_debuggee) {
    // It may print dlv's words, but dlv's exit code does not fit them, or dlv's own stand last.
    const auto ended = explain_failure(
        spec_of_app(), announced + "could not launch process: not an executable file\n", 0, 0);
    EXPECT_NE(ended.find("ended by itself"), std::string::npos) << ended;
    const auto usage =
        explain_failure(spec_of_app(), announced + "Error: unknown flag: --wd\n", 0, 0);
    EXPECT_NE(usage.find("ended by itself"), std::string::npos) << usage;
}

TEST(explain_failure, shows_no_control_characters) {
    const auto words = explain_failure(
        spec_of_app(), announced + "could not launch process: \x1b[31mred\a\n", 1, 0);
    for (const char c : words) EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20) << words;
}

TEST(warnings_in, advises_on_a_stripped_program) {
    const auto warnings =
        warnings_in(spec_of_app(), announced +
                                       "Warning: no debug info found, some functionality will be "
                                       "missing such as stack traces and variable evaluation.\n");
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("/opt/app has no debug information"), std::string::npos);
}

TEST(warnings_in, advises_on_an_unchecked_go_version) {
    const auto warnings =
        warnings_in(spec_of_app(),
                    "WARNING: undefined behavior - Go version 1.12.8 is too old for this version "
                    "of Delve (minimum supported version 1.18)\n");
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("do not fit"), std::string::npos);
}

TEST(warnings_in, is_silent_about_what_is_harmless) {
    EXPECT_TRUE(warnings_in(spec_of_app(),
                            announced + "2026-11-23T07:31:20Z error layer=debugger could not "
                                        "create config directory: mkdir: permission denied\n")
                    .empty());
    EXPECT_TRUE(warnings_in(spec_of_app(), announced).empty());
}

}  // namespace
}  // namespace launcher
