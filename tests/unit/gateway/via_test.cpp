#include "gateway/via.h"

#include <gtest/gtest.h>

#include "gateway/proxy_tunnel.h"
#include "gateway/ssh_tunnel.h"

namespace gateway {
namespace {

using kind = via_way::kind;

TEST(via, is_read_and_written) {
    struct one {
        const char* text;
        kind how;
        const char *user, *host;
        int port;
    };
    for (const auto& [text, how, user, host, port] : {one{"ssh://bastion", kind::ssh, "", "bastion", 0},
                                                      one{"ssh://al@b.example:2222", kind::ssh, "al", "b.example", 2222},
                                                      one{"ssh://jump+x", kind::ssh, "", "jump+x", 0},
                                                      one{"ssh://user+x@h", kind::ssh, "user+x", "h", 0},
                                                      one{"ssh://al@corp@h", kind::ssh, "al@corp", "h", 0},
                                                      one{"ssh://[fe80::1%eth0]:22", kind::ssh, "", "fe80::1%eth0", 22},
                                                      one{"http://proxy.example:3128", kind::http, "", "proxy.example", 3128},
                                                      one{"http://al@corp@proxy:1", kind::http, "al@corp", "proxy", 1}}) {
        const auto way = parse_via(text);
        ASSERT_TRUE(way) << text << ": " << way.error();
        EXPECT_EQ(way->how, how) << text;
        EXPECT_EQ(way->user, user) << text;
        EXPECT_EQ(way->host, host) << text;
        EXPECT_EQ(way->port, port) << text;
        EXPECT_EQ(to_text(*way), text);
    }
    EXPECT_EQ(parse_via("http://proxy:1/")->host, "proxy");
    for (const auto* none : {"", "direct"}) {
        EXPECT_EQ(parse_via(none)->how, kind::direct);
        EXPECT_EQ(to_text(*parse_via(none)), "");
    }
}

TEST(via, has_users_with_other_letters) {
    EXPECT_EQ(parse_via("ssh://dom\\user@host")->user, "dom\\user");
    EXPECT_EQ(parse_via("ssh://dom%5cuser@host")->user, "dom\\user");
    EXPECT_EQ(parse_via("http://a%25b@proxy:1")->user, "a%b");
    EXPECT_EQ(parse_via("http://%23$!x@proxy:1")->user, "#$!x");
    for (const auto* text : {"ssh://dom\\user@host", "http://a%25%23b@proxy:1"})
        EXPECT_EQ(parse_via(to_text(*parse_via(text)))->user, parse_via(text)->user);
}

TEST(via, refuses_what_could_be_read_otherwise) {
    for (const auto* text :
         {"ssh://", "ssh://-oProxyCommand=x", "ssh://-l@h", "ssh://%2dl@h", "ssh://a b@h", "ssh://a$b@h", "ssh://a%0ab@h", "ssh://a;b@h", "ssh://@h",
          "ssh://u@h:0", "ssh://u@h:65536", "ssh://u@h:2x", "ssh://h/path", "ssh://h%2f", "ssh://[h]", "ssh://[::1", "https://proxy:1", "http://proxy",
          "http://pro+xy:1", "http://a%3ab@proxy:1", "http://a%0d%0ab@proxy:1", "http://a%00@proxy:1", "http://a%2@proxy:1", "http://a%zz@proxy:1",
          "http://a b@proxy:1", "http://\xc3\xa9@proxy:1", "socks5://h:1", "bastion"})
        EXPECT_FALSE(parse_via(text)) << text;
    EXPECT_FALSE(parse_via("ssh://" + std::string(256, 'a')));
}

TEST(via, repeats_no_password) {
    for (const auto* text : {"http://al:hunter2@proxy:1", "ssh://al:hunter2@h"}) {
        const auto way = parse_via(text);
        ASSERT_FALSE(way);
        EXPECT_EQ(way.error().find("hunter2"), std::string::npos);
        EXPECT_NE(way.error().find("takes no password"), std::string::npos);
    }
}

TEST(via, names_the_letter_that_is_wrong) {
    EXPECT_NE(parse_via("ssh://a$b@h").error().find("the letter $"), std::string::npos);
    EXPECT_NE(parse_via("http://a%0db@p:1").error().find("not printable"), std::string::npos);
}

TEST(proxy_answer, is_the_first_line_and_what_the_proxy_wants) {
    const auto read = [](std::string_view text) { return read_proxy_answer(text); };
    EXPECT_EQ(read("HTTP/1.1 200 Connection established\r\n\r\n")->status, 200u);
    EXPECT_EQ(read("HTTP/1.0 200\r\n\r\n")->reason, "");
    EXPECT_EQ(read("HTTP/1.1 200 OK\nContent-Length: 5\nTransfer-Encoding: chunked\n\n")->status, 200u);
    const auto asks = read("HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nPROXY-AUTHENTICATE:  Negotiate abc\r\nX: y\r\n\r\n");
    EXPECT_EQ(asks->status, 407u);
    EXPECT_EQ(asks->reason, "No");
    EXPECT_EQ(asks->schemes, "NTLM, Negotiate");
    for (const auto* text : {"", "\r\n\r\n", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1  200\r\n\r\n",
                             "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.x 200 x\r\n\r\n"})
        EXPECT_FALSE(read(text)) << text;
}

TEST(explain_proxy, says_what_to_do) {
    const auto said = [](const char* via, unsigned status, const char* schemes) {
        return explain_proxy(*parse_via(via), "node1:7443", {status, "Because \x1b[2J", schemes});
    };
    EXPECT_NE(said("http://p:1", 407, "").find("wants to know who you are"), std::string::npos);
    EXPECT_NE(said("http://al@p:1", 407, "NTLM, Basic").find("refused user and password"), std::string::npos);
    EXPECT_NE(said("http://al@p:1", 407, "NTLM").find("wants NTLM, and delvegate knows Basic only"), std::string::npos);
    EXPECT_NE(said("http://p:1", 403, "").find("does not allow connections to node1:7443"), std::string::npos);
    EXPECT_NE(said("http://p:1", 502, "").find("made no connection"), std::string::npos);
    EXPECT_EQ(said("http://p:1", 502, "").find('\x1b'), std::string::npos);
}

TEST(explain_ssh, says_what_the_last_line_means) {
    const auto way = *parse_via("ssh://al@bastion");
    const auto said = [&](std::string_view text) { return explain_ssh(way, "node1:7443", text); };
    EXPECT_EQ(said(""), "");
    EXPECT_EQ(said("Warning: Permanently added 'bastion'\r\n** post-quantum **\n"), "");
    EXPECT_NE(said("channel 0: open failed: administratively prohibited: x\r\nstdio forwarding failed\r\n").find("forwards nothing to node1:7443"),
              std::string::npos);
    EXPECT_NE(said("channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\n").find("from there node1:7443 cannot be reached"),
              std::string::npos);
    EXPECT_NE(said("al@bastion: Permission denied (publickey).\r\n").find("a key that works without a question"), std::string::npos);
    EXPECT_NE(said("Host key verification failed.\n").find("Run `ssh` to that host once"), std::string::npos);
    EXPECT_NE(said("ssh: Could not resolve hostname bastion: x\n").find("ssh to bastion failed: "), std::string::npos);
    EXPECT_EQ(said("\x1b[2Jbad\n").find('\x1b'), std::string::npos);
    EXPECT_LT(said(std::string(5000, 'x') + "\n").size(), 400u);
}

}  // namespace
}  // namespace gateway
