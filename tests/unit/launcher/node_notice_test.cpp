#include "launcher/node_notice.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "launcher/fd.h"
#include "launcher/waiting.h"
#include "tests/support/trusted_directory.h"

namespace launcher {
namespace {

using protocol::json;
using std::chrono::seconds;

const out_component scheduler{"kube-scheduler", "2026-11-26T07:00:00Z", "alice", std::string(32, 'a')};
const out_component proxy{"kube-proxy", "2026-11-26T08:00:00Z", "bob", std::string(32, 'b')};

// A kubectl that writes down what it is given: each call's words and standard input in files of their own.
class node_notice_case : public testing::Test {
protected:
    void SetUp() override {
        write("kubectl", "#!/bin/sh\ncd " + scratch.path() + " || exit 1\n"
                         "n=$(ls | grep -c '^call-.*words$')\nprintf '%s\\n' \"$@\" > .words && cat > call-$n.in && mv .words call-$n.words\n"
                         "test ! -e refuse || { echo 'The connection to the server was refused' >&2; exit 1; }\n"
                         "case $* in *create*) cat call-$n.in;; *) echo node/n1;; esac\n");
        ASSERT_EQ(::chmod((scratch / "kubectl").c_str(), 0755), 0);
        write("kubeconfig", "");
    }
    void write(const std::string& name, const std::string& text) const { std::ofstream(scratch / name) << text; }
    std::string read(const std::string& name) const {
        std::ifstream in(scratch / name);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    bool is_there(const std::string& name) const { return std::filesystem::exists(scratch / name); }
    std::size_t calls() const {
        std::size_t n = 0;
        while (is_there("call-" + std::to_string(n) + ".words")) ++n;
        return n;
    }
    notice_place place() const {
        launcher_config configuration;
        notice_place out = notice_place_of(configuration);
        out.api = [this]() -> std::optional<kubectl_setup> {
            kubectl_setup setup;
            setup.program = scratch / "kubectl";
            setup.kubeconfig = scratch / "kubeconfig";
            return setup;
        };
        out.node = [] { return std::string("n1"); };
        out.file = scratch / "told.json";
        out.again = std::chrono::milliseconds(10);
        return out;
    }
    support::trusted_directory scratch;
};

TEST_F(node_notice_case, ADetachIsAnAnnotationAndAnEvent) {
    {
        node_notice notice(place());
        notice.show({scheduler});
        notice.show({scheduler});  // every second, and said once
        notice.settle(seconds(30));
    }
    ASSERT_EQ(calls(), 2u);
    EXPECT_EQ(read("call-0.words"),
              "--kubeconfig=" + (scratch / "kubeconfig") + "\n--request-timeout=10s\npatch\nnodes\nn1\n--type=merge\n--output=name\n"
              "--patch={\"metadata\":{\"annotations\":{\"delvegate.io/detached\":\"kube-scheduler since 2026-11-26T07:00:00Z by "
              "alice\"}}}\n");
    EXPECT_EQ(read("call-0.in"), "");
    EXPECT_EQ(read("call-1.words"), "--kubeconfig=" + (scratch / "kubeconfig") +
                                        "\n--request-timeout=10s\ncreate\n--raw\n/api/v1/namespaces/default/events\n-f\n-\n");
    const auto event = protocol::parse_json(read("call-1.in"), {16, false});
    ASSERT_TRUE(event) << read("call-1.in");
    EXPECT_EQ(event->get_string("reason"), "ComponentDetached");
    EXPECT_EQ(event->get_string("type"), "Warning");
    EXPECT_NE(event->get_string("message").find("kube-scheduler is taken out of this node"), std::string::npos);
    EXPECT_NE(event->get_string("message").find("by alice"), std::string::npos);
    const auto* object = event->find("involvedObject");
    ASSERT_NE(object, nullptr);
    EXPECT_EQ(object->get_string("kind"), "Node");
    EXPECT_EQ(object->get_string("name"), "n1");
}

TEST_F(node_notice_case, AReturnTakesTheAnnotationAway) {
    node_notice notice(place());
    notice.show({scheduler, proxy});
    notice.settle(seconds(30));
    ASSERT_EQ(calls(), 3u);
    notice.show({proxy});
    notice.settle(seconds(30));
    ASSERT_EQ(calls(), 5u);
    EXPECT_NE(read("call-3.words").find("\"kube-proxy since 2026-11-26T08:00:00Z by bob\""), std::string::npos);
    EXPECT_NE(read("call-4.in").find("ComponentReturned"), std::string::npos);
    EXPECT_NE(read("call-4.in").find("kube-scheduler is back"), std::string::npos);
    notice.show({});
    notice.settle(seconds(30));
    ASSERT_EQ(calls(), 7u);
    EXPECT_NE(read("call-5.words").find("{\"delvegate.io/detached\":null}"), std::string::npos) << read("call-5.words");
    EXPECT_FALSE(is_there("told.json"));
}

TEST_F(node_notice_case, WhatAnEarlierProcessHasToldIsCleared) {
    {
        node_notice notice(place());
        notice.show({scheduler});
        notice.settle(seconds(30));
    }
    node_notice notice(place());
    notice.show({});
    notice.settle(seconds(30));
    ASSERT_EQ(calls(), 4u);
    EXPECT_NE(read("call-2.words").find("{\"delvegate.io/detached\":null}"), std::string::npos);
    EXPECT_NE(read("call-3.in").find("ComponentReturned"), std::string::npos);
}

TEST_F(node_notice_case, WhereNothingIsOutNothingIsSaid) {
    node_notice notice(place());
    notice.show({});
    notice.settle(seconds(30));
    EXPECT_EQ(calls(), 0u);
}

TEST_F(node_notice_case, AnApiThatDoesNotAnswerIsAskedAgain) {
    write("refuse", "");
    node_notice notice(place());
    notice.show({scheduler});
    EXPECT_TRUE(wait_until(seconds(60), [&] { return calls() >= 2; }));
    for (const auto n : {0, 1}) EXPECT_NE(read("call-" + std::to_string(n) + ".words").find("patch"), std::string::npos);
    std::filesystem::remove(scratch / "refuse");
    EXPECT_TRUE(wait_until(seconds(60), [&] { return read("told.json").find("\"sure\":true") != std::string::npos; }));
}

// One kubectl that hangs holds up nobody who shows something.
TEST_F(node_notice_case, NobodyWaitsForIt) {
    ASSERT_EQ(::mkfifo((scratch / "gate").c_str(), 0600), 0);
    write("kubectl", "#!/bin/sh\nread line < " + (scratch / "gate") + "\nexit 1\n");
    node_notice notice(place());
    notice.show({scheduler});
    notice.show({scheduler, proxy});
    notice.show({});
    // Open for reading and writing: whoever waits at the gate goes on, as often as it comes.
    const unique_fd gate(::open((scratch / "gate").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(gate);
    std::string lines(4096, '\n');
    EXPECT_EQ(::write(gate.get(), lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
    notice.settle(seconds(60));
}

TEST(node_notice, IsSentWhereAKubeconfigIs) {
    const support::trusted_directory scratch;
    launcher_config configuration;
    configuration.kubectl = "/opt/bin/kubectl";
    component_definition one;
    one.kind = component_kind::daemon_set;
    one.kubeconfig = scratch / "kubeconfig";
    one.node_name = "n1";
    configuration.components = {one};
    const auto place = notice_place_of(configuration);
    EXPECT_EQ(place.node(), "n1");
    if (const auto without = place.api()) {
        EXPECT_EQ(without->kubeconfig, "/etc/kubernetes/admin.conf") << "of this machine";
    }
    std::ofstream(one.kubeconfig) << "";
    const auto setup = place.api();
    ASSERT_TRUE(setup);
    EXPECT_EQ(setup->kubeconfig, one.kubeconfig);
    EXPECT_EQ(setup->program, "/opt/bin/kubectl");
}

}  // namespace
}  // namespace launcher
