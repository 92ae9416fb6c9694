// Programs that are asked as root: what they say, and that none is run that others can change.
#include "launcher/system_tool.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "launcher/container_runtime.h"
#include "launcher/iptables_check.h"
#include "tests/support/trusted_directory.h"

namespace launcher {
namespace {

class tools : public testing::Test {
protected:
    void put(const std::string& name, const std::string& script, mode_t mode = 0755) {
        std::ofstream(scratch / name) << "#!/bin/sh\ntouch " << (scratch / "was-run") << "\n" << script << "\n";
        ASSERT_EQ(::chmod((scratch / name).c_str(), mode), 0);
    }
    bool was_run() const { return std::filesystem::exists(scratch / "was-run"); }
    outcome<runtime_answer> ask(const std::string& endpoint = "unix:///run/containerd/containerd.sock") const {
        return running_containers(endpoint, "kube-system", "kube-scheduler", {scratch.path()});
    }
    std::vector<finding> said(const std::string& endpoint = "unix:///run/containerd/containerd.sock") const {
        std::vector<finding> findings;
        check_runtime(endpoint, "kube-system", "kube-scheduler", findings, {scratch.path()});
        return findings;
    }
    support::trusted_directory scratch;
};

TEST_F(tools, CrictlSaysWhatStillRuns) {
    put("crictl", R"(test "$2" = unix:///run/containerd/containerd.sock && echo '{"containers":[{"id":"abc"}]}')");
    const auto answer = ask();
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->asked, "crictl");
    EXPECT_EQ(answer->running, std::vector<std::string>{"abc"});
    EXPECT_TRUE(said().empty()) << "that it runs is no finding";
}

TEST_F(tools, CrictlSaysThatItIsGone) {
    put("crictl", R"(echo '{"containers":[]}')");
    const auto answer = ask();
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->asked, "crictl");
    EXPECT_TRUE(answer->running.empty());
}

// Nobody takes a runtime that does not answer for one that has nothing.
TEST_F(tools, CrictlFails) {
    for (const auto* script : {"echo 'connection refused' >&2; exit 1", "echo '{\"containers\":[]}'; exit 1", "echo '{}'", "echo nothing"}) {
        put("crictl", script);
        EXPECT_FALSE(ask()) << script;
        const auto findings = said();
        ASSERT_EQ(findings.size(), 1u);
        EXPECT_EQ(findings[0].how, severity::refusal) << script;
    }
    EXPECT_NE(ask().error().find("crictl cannot ask the container runtime"), std::string::npos);
}

TEST_F(tools, WithoutAnybodyToAskThatIsSaid) {
    for (const auto* endpoint : {"", "unix:///run/crio/crio.sock", "unix:///run/containerd/containerd.sock"}) {
        const auto answer = ask(endpoint);
        ASSERT_TRUE(answer) << answer.error();
        EXPECT_TRUE(answer->asked.empty());
        const auto findings = said(endpoint);
        ASSERT_EQ(findings.size(), 1u) << endpoint;
        EXPECT_EQ(findings[0].how, severity::warning);
        EXPECT_NE(findings[0].text.find("cannot be asked"), std::string::npos) << findings[0].text;
    }
}

TEST_F(tools, WhatOthersCanChangeIsNotRun) {
    for (const auto* name : {"crictl", "ctr", "iptables"}) put(name, "echo", 0777);
    EXPECT_FALSE(ask());
    std::filesystem::remove(scratch / "crictl");
    EXPECT_FALSE(ask());
    const auto findings = said();
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].how, severity::refusal);
    EXPECT_NE(findings[0].text.find("can be written by others"), std::string::npos) << findings[0].text;
    const auto facts = look_at_iptables({scratch.path()});
    EXPECT_NE(facts.trouble.find("iptables is not run as root"), std::string::npos) << facts.trouble;
    std::vector<finding> judged;
    judge_iptables(facts, "", judged);
    ASSERT_EQ(judged.size(), 1u);
    EXPECT_EQ(judged[0].how, severity::refusal);
    EXPECT_FALSE(was_run());
}

TEST_F(tools, ADirectoryThatOthersCanChangeIsAsBad) {
    put("crictl", R"(echo '{"containers":[]}')");
    ASSERT_EQ(::chmod(scratch.path().c_str(), 0777), 0);
    EXPECT_FALSE(find_system_tool("crictl", {scratch.path()}).trouble.empty());
    EXPECT_FALSE(ask());
    EXPECT_FALSE(was_run());
    ASSERT_EQ(::chmod(scratch.path().c_str(), 0755), 0);
    EXPECT_EQ(find_system_tool("crictl", {scratch.path()}).path, scratch / "crictl");
    EXPECT_TRUE(ask());
    EXPECT_TRUE(was_run());
    EXPECT_TRUE(find_system_tool("none", {scratch.path()}).path.empty());
}

TEST_F(tools, IptablesIsAsked) {
    put("iptables", "echo 'iptables v1.8.9 (nf_tables)'");
    put("iptables-nft-save", "echo ':KUBE-SERVICES - [0:0]'");
    const auto facts = look_at_iptables({scratch.path()});
    EXPECT_TRUE(facts.trouble.empty()) << facts.trouble;
    EXPECT_EQ(facts.version, "iptables v1.8.9 (nf_tables)");
    EXPECT_TRUE(facts.nft_known);
    EXPECT_FALSE(facts.legacy_known);
    EXPECT_EQ(facts.nft, kube_chains::services);
}

}  // namespace
}  // namespace launcher
