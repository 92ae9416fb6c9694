#include "launcher/dlv_flags.h"

#include <gtest/gtest.h>

#include <sstream>

namespace launcher {
namespace {

std::vector<std::string> words(const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> result;
    for (std::string word; stream >> word;) result.push_back(word);
    return result;
}

outcome<void> judge(const std::string& line) {
    return judge_invocation(parse_invocation(words(line)));
}

TEST(dlv_flags, accept_a_headless_multiclient_dlv) {
    for (const char* line : {
             "dlv exec --headless --accept-multiclient --listen=127.0.0.1:2345 ./app",
             "dlv --headless --accept-multiclient attach 123",
             "dlv --listen :2345 --headless=true --accept-multiclient=1 debug ./cmd/app -- "
             "--accept-multiclient=false",
             "dlv -l 127.0.0.1:1 exec ./app --headless --accept-multiclient",
             "dlv -l=127.0.0.1:1 --headless --accept-multiclient test",
             "dlv exec -r stdout:/tmp/o -r stderr:/tmp/e --headless --accept-multiclient ./app",
             "dlv exec --accept-multiclient=false --headless --accept-multiclient ./app",
             "dlv exec --log --log-output rpc --headless --continue --accept-multiclient ./app",
             "dlv exec --new-flag=value --headless --accept-multiclient ./app",
             "dlv exec --new-flag value --headless --accept-multiclient ./app",
         })
        EXPECT_TRUE(judge(line)) << line << ": " << judge(line).error();
}

struct refusal {
    const char* line;
    const char* because;
};

TEST(dlv_flags, refuse_what_would_kill_a_program) {
    for (const auto& [line, because] : {
             refusal{"dlv exec --headless ./app", "--accept-multiclient"},
             refusal{"dlv exec --accept-multiclient ./app", "--headless"},
             refusal{"dlv exec ./app", "--headless"},
             refusal{"dlv exec --headless ./app -- --accept-multiclient", "--accept-multiclient"},
             refusal{"dlv exec --headless --accept-multiclient=false ./app",
                     "--accept-multiclient"},
             refusal{"dlv exec --headless --accept-multiclient=no ./app", "--accept-multiclient"},
             refusal{"dlv exec --headless --accept-multiclient --accept-multiclient=0 ./app",
                     "--accept-multiclient"},
             refusal{"dlv exec --headless --wd --accept-multiclient ./app", "--accept-multiclient"},
             refusal{"dlv exec --headless -l --accept-multiclient ./app", "--accept-multiclient"},
             refusal{"dlv exec --headless --new-flag --accept-multiclient ./app",
                     "--new-flag is not known"},
             refusal{"dlv exec --headless -x --accept-multiclient ./app", "-x is not known"},
             refusal{"dlv dap --headless --accept-multiclient", "dlv dap"},
             refusal{"dlv core --headless --accept-multiclient ./app core", "core dumps"},
             refusal{"dlv replay --headless --accept-multiclient trace", "recordings"},
             refusal{"dlv connect 127.0.0.1:1", "not a debug server"},
             refusal{"dlv", "not a debug server"},
         }) {
        const auto verdict = judge(line);
        ASSERT_FALSE(verdict) << line;
        EXPECT_NE(verdict.error().find(because), std::string::npos)
            << line << ": " << verdict.error();
    }
}

TEST(dlv_flags, read_whether_other_users_are_let_in) {
    EXPECT_TRUE(parse_invocation(words("dlv exec ./app")).only_same_user);
    EXPECT_FALSE(parse_invocation(words("dlv exec --only-same-user=false ./app")).only_same_user);
}

TEST(dlv_flags, know_dlv_by_its_name) {
    for (const char* name : {"dlv", "/usr/bin/dlv", "dlv-1.27", "./dlv1.20.2", "/x/dlv.old"})
        EXPECT_TRUE(is_dlv({name, "exec"})) << name;
    for (const char* name : {"socat", "dlvx", "/usr/bin/dlv/sh", "delve", ""})
        EXPECT_FALSE(is_dlv({name, "exec"})) << name;
    EXPECT_FALSE(is_dlv({}));
}

}  // namespace
}  // namespace launcher
