// The ways to a gateway: how --via is read, and what ssh's and a proxy's failures come to.
#include "gateway/via.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/proxy_tunnel.h"
#include "gateway/ssh_tunnel.h"

namespace {

using gateway::parse_via;
using gateway::via_way;

TEST(via, what_it_reads_it_writes_again) {
    for (const char* text : {"ssh://bastion", "ssh://alice@bastion.example:2222", "ssh://[2001:db8::1]", "ssh://a@[fe80::1%eth0]:22",
                             "http://proxy.example:3128", "http://bob@10.0.0.1:80", "http://[::1]:3128"}) {
        const auto via = parse_via(text);
        ASSERT_TRUE(via) << text << ": " << via.error();
        EXPECT_EQ(to_text(*via), text);
    }
}

TEST(via, its_parts) {
    const auto via = parse_via("ssh://alice@[::1]:2222/");
    ASSERT_TRUE(via);
    EXPECT_EQ(via->how, via_way::kind::ssh);
    EXPECT_EQ(via->user, "alice");
    EXPECT_EQ(via->host, "::1");
    EXPECT_EQ(via->port, 2222);
    EXPECT_EQ(parse_via("ssh://bastion")->port, 0);
    EXPECT_EQ(parse_via("http://proxy:3128")->how, via_way::kind::http);
    for (const char* text : {"", "direct"}) {
        ASSERT_TRUE(parse_via(text));
        EXPECT_EQ(parse_via(text)->how, via_way::kind::direct);
        EXPECT_EQ(to_text(*parse_via(text)), "");
    }
}

TEST(via, what_it_refuses) {
    for (const char* text : {"bastion", "ssh:bastion", "https://proxy:1", "socks5://proxy:1", "SSH://bastion", "ssh://", "ssh://@bastion", "ssh://bastion:0",
                             "ssh://bastion:65536", "ssh://bastion:22x", "ssh://bastion:", "ssh://bastion/path", "ssh://-oProxyCommand=id",
                             "ssh://-lroot@bastion", "ssh://a b", "ssh://a;b", "ssh://a$b", "ssh://a\nb", "ssh://[bastion]", "ssh://[::1", "ssh://[::1]x",
                             "http://proxy", "http://proxy:"}) {
        const auto via = parse_via(text);
        ASSERT_FALSE(via) << text;
        EXPECT_TRUE(via.error().starts_with("--via wants ssh://[USER@]HOST[:PORT], ")) << via.error();
    }
    EXPECT_FALSE(parse_via("ssh://" + std::string(256, 'a')));
    EXPECT_TRUE(parse_via("ssh://" + std::string(255, 'a')));
}

TEST(via, a_password_is_refused_and_not_repeated) {
    for (const char* text : {"ssh://alice:hunter2@bastion", "http://alice:hunter2@proxy:3128", "http://alice:hunter2@x@proxy:3128"}) {
        const auto via = parse_via(text);
        ASSERT_FALSE(via) << text;
        EXPECT_TRUE(via.error().starts_with("--via takes no password, which others would see; ")) << via.error();
        EXPECT_EQ(via.error().find("hunter2"), std::string::npos);
    }
    EXPECT_NE(parse_via("http://a:b@c:1").error().find("DELVEGATE_PROXY_PASSWORD_FILE"), std::string::npos);
}

std::string of_ssh(std::string_view said) { return gateway::explain_ssh(*parse_via("ssh://alice@bastion"), "node1:7443", said); }

TEST(via, what_ssh_says) {
    EXPECT_EQ(of_ssh("channel 0: open failed: administratively prohibited: open failed\r\nstdio forwarding failed\r\n"),
              "ssh to bastion works, but that host forwards nothing to node1:7443 (AllowTcpForwarding, PermitOpen): "
              "channel 0: open failed: administratively prohibited: open failed");
    EXPECT_EQ(of_ssh("channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\n"),
              "ssh to bastion works, but from there node1:7443 cannot be reached: channel 0: open failed: connect failed: Connection refused");
    EXPECT_EQ(of_ssh("alice@bastion: Permission denied (publickey).\r\n"),
              "ssh to bastion failed: alice@bastion: Permission denied (publickey).; it needs a key that works without a question, in ssh's agent for instance");
    EXPECT_EQ(of_ssh("No ED25519 host key is known for bastion\nHost key verification failed.\n"),
              "ssh to bastion failed: Host key verification failed. Run `ssh` to that host once, and compare its key");
    EXPECT_EQ(of_ssh("ssh: connect to host bastion port 22: No route to host"), "ssh to bastion failed: ssh: connect to host bastion port 22: No route to host");
}

TEST(via, of_ssh_the_last_word_counts_and_is_one_line) {
    EXPECT_EQ(of_ssh(""), "");
    EXPECT_EQ(of_ssh("Warning: Permanently added 'bastion' to the list of known hosts.\r\n\r\n** a notice\n"), "");
    EXPECT_EQ(of_ssh("a banner\nKilled\nWarning: something\n"), "ssh to bastion failed: Killed");
    const auto hostile = of_ssh("\x1b[2Jfirst\nlast\x07 " + std::string(5000, 'x'));
    EXPECT_LT(hostile.size(), 400u);
    EXPECT_EQ(hostile.find_first_of("\x1b\x07\n\r"), std::string::npos);
}

TEST(via, what_a_proxy_says) {
    const auto nobody = *parse_via("http://proxy:3128"), bob = *parse_via("http://bob@proxy:3128");
    EXPECT_EQ(gateway::explain_proxy(nobody, "node1:7443", 407, "Proxy Authentication Required"),
              "the proxy http://proxy:3128 wants to know who you are (407 Proxy Authentication Required): give --via http://USER@proxy:3128, "
              "and the password in the file that DELVEGATE_PROXY_PASSWORD_FILE names");
    EXPECT_TRUE(gateway::explain_proxy(bob, "node1:7443", 407, "").starts_with("the proxy http://bob@proxy:3128 refused user and password (407): "));
    EXPECT_EQ(gateway::explain_proxy(nobody, "node1:7443", 403, "Forbidden"),
              "the proxy http://proxy:3128 does not allow connections to node1:7443 (403 Forbidden); ask whoever runs it");
    EXPECT_EQ(gateway::explain_proxy(nobody, "node1:7443", 502, ""), "the proxy http://proxy:3128 made no connection to node1:7443 (502)");
    const auto hostile = gateway::explain_proxy(nobody, "node1:7443", 503, "\x1b[2J\n" + std::string(5000, 'x'));
    EXPECT_LT(hostile.size(), 600u);
    EXPECT_EQ(hostile.find_first_of("\x1b\n"), std::string::npos);
}

}  // namespace
