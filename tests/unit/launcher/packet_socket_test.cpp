#include "launcher/packet_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <fcntl.h>

#include <cstring>
#include <vector>

#include "launcher/launcher_wire.h"

namespace launcher {
namespace {

struct packet_socket : testing::Test {
    packet_socket() {
        int both[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both), 0);
        here = unique_fd(both[0]);
        there = unique_fd(both[1]);
    }
    unique_fd here, there;

    void send_many(const std::vector<int>& fds) {
        char byte = 'x';
        iovec piece{&byte, 1};
        std::vector<char> room(CMSG_SPACE(sizeof(int) * fds.size()));
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = room.data();
        message.msg_controllen = room.size();
        cmsghdr* part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
        std::memcpy(CMSG_DATA(part), fds.data(), sizeof(int) * fds.size());
        ASSERT_EQ(::sendmsg(here.get(), &message, 0), 1);
    }
};

TEST_F(packet_socket, carries_one_descriptor) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    unique_fd in(ends[0]), out(ends[1]);
    ASSERT_TRUE(send_packet(here.get(), "take this", out.get()));
    auto came = receive_packet(there.get());
    ASSERT_TRUE(came) << came.error();
    EXPECT_EQ(came->text, "take this");
    ASSERT_TRUE(came->descriptor);
    EXPECT_NE(::fcntl(came->descriptor.get(), F_GETFD) & FD_CLOEXEC, 0);
    out.reset();
    ASSERT_EQ(::write(came->descriptor.get(), "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(::read(in.get(), &byte, 1), 1);
}

// Two, or more than there is room for: refused, and none is kept open.
TEST_F(packet_socket, several_descriptors_are_refused_and_closed) {
    for (const std::size_t count : {2u, 8u, 40u}) {
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        unique_fd in(ends[0]);
        unique_fd out(ends[1]);
        send_many(std::vector<int>(count, out.get()));
        out.reset();
        EXPECT_FALSE(receive_packet(there.get()));
        char byte = 0;
        EXPECT_EQ(::read(in.get(), &byte, 1), 0) << count << ": a copy of the writing end is still open";
    }
}

TEST_F(packet_socket, what_is_too_large_is_refused_whole) {
    const std::string large(max_launcher_packet + 1, 'x');
    ASSERT_EQ(::send(here.get(), large.data(), large.size(), 0), static_cast<ssize_t>(large.size()));
    EXPECT_FALSE(receive_packet(there.get()));
    ASSERT_TRUE(send_packet(here.get(), large.substr(1)));
    EXPECT_EQ(receive_packet(there.get())->text.size(), max_launcher_packet);
    EXPECT_FALSE(send_packet(here.get(), large));
    EXPECT_FALSE(send_packet(here.get(), ""));
}

TEST_F(packet_socket, an_end_is_an_empty_packet) {
    here.reset();
    const auto came = receive_packet(there.get());
    ASSERT_TRUE(came);
    EXPECT_EQ(came->text, "");
}

// It said why and closed, without reading what we had sent meanwhile.
TEST_F(packet_socket, last_words_are_heard) {
    ASSERT_TRUE(send_packet(there.get(), "unread"));
    ASSERT_TRUE(send_packet(here.get(), "last words"));
    here.reset();
    const auto came = receive_packet(there.get());
    ASSERT_TRUE(came) << came.error();
    EXPECT_EQ(came->text, "last words");
    EXPECT_EQ(receive_packet(there.get())->text, "");
}

TEST_F(packet_socket, who_does_not_read_is_given_up) {
    const std::string packet(32 * 1024, 'x');
    outcome<void> sent;
    for (int i = 0; i < 1000 && sent; ++i) sent = send_packet(here.get(), packet, -1, std::chrono::milliseconds(50));
    EXPECT_FALSE(sent);
    EXPECT_FALSE(receive_packet(here.get(), std::chrono::milliseconds(50)));
}

TEST_F(packet_socket, the_kernel_says_who_is_there) {
    const auto who = credentials_of_peer(here.get());
    ASSERT_TRUE(who);
    EXPECT_EQ(who->uid, ::geteuid());
    EXPECT_EQ(who->pid, ::getpid());
}

}  // namespace
}  // namespace launcher
