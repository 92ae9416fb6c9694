#include "gateway/completion.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/context_command.h"
#include "gateway/policy_command.h"
#include "gateway/serve_command.h"
#include "gateway/sessions_command.h"

namespace {

using gateway::name_kind;
using gateway::path_kind;

class completion_of_lines : public testing::Test {
protected:
    completion_of_lines() {
        gateway::add_serve_command(app_, code_);
        gateway::add_context_command(app_, code_);
        gateway::add_sessions_command(app_, code_);
        gateway::add_policy_command(app_, code_);
        app_.add_subcommand("secret")->group("");
    }

    gateway::completion of(std::vector<std::string> words) {
        words.insert(words.begin(), "delvegate");
        return gateway::complete(app_, words);
    }
    std::vector<std::string> words(std::vector<std::string> line) {
        std::vector<std::string> out;
        for (const auto& one : of(std::move(line)).words) out.push_back(one.text);
        return out;
    }
    static bool has(const std::vector<std::string>& words, const std::string& word) {
        return std::find(words.begin(), words.end(), word) != words.end();
    }

    CLI::App app_{"A program", "delvegate"};
    int code_ = 0;
};

TEST_F(completion_of_lines, commands_but_not_hidden_ones) {
    EXPECT_EQ(words({"se"}), (std::vector<std::string>{"serve", "sessions"}));
    EXPECT_EQ(words({"secr"}), (std::vector<std::string>{}));
    EXPECT_FALSE(of({"serv"}).words.at(0).about.empty());
    EXPECT_EQ(words({"sessions", "k"}), (std::vector<std::string>{"kill"}));
    // A command that comes behind what is no command is a name.
    EXPECT_EQ(words({"sessions", "app", "k"}), (std::vector<std::string>{}));
}

TEST_F(completion_of_lines, options_that_are_not_there_yet) {
    const auto fresh = words({"sessions", "kill", "--"});
    EXPECT_TRUE(has(fresh, "--user") && has(fresh, "--help") && has(fresh, "--reason"));
    EXPECT_FALSE(has(words({"sessions", "kill", "--user", "alice", "--"}), "--user"));
    EXPECT_FALSE(has(words({"sessions", "kill", "--user=alice", "--"}), "--user"));
    EXPECT_TRUE(has(words({"policy", "can-i", "--group", "x", "--g"}), "--group"));
    EXPECT_EQ(words({"sessions", "--", "--"}), (std::vector<std::string>{}));
}

TEST_F(completion_of_lines, values_by_what_the_option_takes) {
    EXPECT_EQ(words({"sessions", "--output", "j"}), (std::vector<std::string>{"json"}));
    EXPECT_EQ(words({"sessions", "--output=j"}), (std::vector<std::string>{"--output=json"}));
    EXPECT_EQ(of({"sessions", ""}).names, name_kind::component);
    EXPECT_EQ(of({"sessions", "--follow", ""}).names, name_kind::component);
    EXPECT_EQ(of({"sessions", "kill", "--user", "al"}).names, name_kind::person);
    EXPECT_EQ(of({"sessions", "kill", "--session", ""}).names, name_kind::session);
    EXPECT_EQ(of({"sessions", "--context", ""}).names, name_kind::context);
    EXPECT_EQ(of({"context", "use", ""}).names, name_kind::context);
    EXPECT_EQ(of({"policy", "can-i", ""}).names, name_kind::person);
    EXPECT_EQ(of({"policy", "can-i", "alice", ""}).names, name_kind::operation);
    EXPECT_EQ(of({"policy", "can-i", "--group", "x", "alice", "call", ""}).names, name_kind::component);
    EXPECT_EQ(of({"policy", "can-i", "alice", "call", "app", ""}).names, name_kind::none);
    EXPECT_EQ(of({"policy", "check", ""}).paths, path_kind::file);
    EXPECT_EQ(of({"serve", "--config", ""}).paths, path_kind::file);
    EXPECT_EQ(of({"serve", "--state-directory", ""}).paths, path_kind::directory);
    EXPECT_EQ(of({"serve", "--exec", "./program", "--", "-v", ""}).paths, path_kind::file);
}

TEST_F(completion_of_lines, what_the_line_has_said) {
    const auto line = of({"sessions", "kill", "--config", "g.yaml", "--user=al"});
    EXPECT_EQ(line.given.at("--config"), "g.yaml");
    EXPECT_EQ(line.commands, (std::vector<std::string>{"sessions", "kill"}));
    EXPECT_EQ(line.before, "--user=");
    EXPECT_EQ(line.typed, "al");
    EXPECT_TRUE(gateway::complete(app_, {"delvegate"}).words.empty());
    EXPECT_TRUE(of({"sessions", "--no-such", ""}).given.empty());
}

TEST(split_line, as_a_shell_does) {
    using words = std::vector<std::string>;
    EXPECT_EQ(gateway::split_line("delvegate  connect ap"), (words{"delvegate", "connect", "ap"}));
    EXPECT_EQ(gateway::split_line("delvegate connect "), (words{"delvegate", "connect", ""}));
    EXPECT_EQ(gateway::split_line("d 'a b'\"c\\\"d\" e\\ f"), (words{"d", "a bc\"d", "e f"}));
    EXPECT_EQ(gateway::split_line("d 'open en"), (words{"d", "open en"}));
    EXPECT_EQ(gateway::split_line("d ''"), (words{"d", ""}));
    EXPECT_EQ(gateway::split_line(""), (words{""}));
}

}  // namespace
