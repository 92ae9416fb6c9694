#include "gateway/peer_user.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include "gateway/local_port.h"

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using answer = boost::system::result<std::optional<uid_t>>;
using lookup = answer (*)(const tcp::endpoint&, const tcp::endpoint&);

struct way {
    const char* name;
    lookup find;
};

class peer_user : public testing::TestWithParam<way> {
protected:
    asio::io_context io;
};

TEST_P(peer_user, knows_who_connected_over_ipv4) {
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket client(io);
    client.connect(acceptor.local_endpoint());
    auto accepted = acceptor.accept();
    const auto owner = GetParam().find(accepted.local_endpoint(), accepted.remote_endpoint());
    ASSERT_TRUE(owner) << owner.error().message();
    ASSERT_TRUE(*owner);
    EXPECT_EQ(**owner, ::geteuid());
}

TEST_P(peer_user, knows_who_connected_over_ipv6) {
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v6::loopback(), 0));
    tcp::socket client(io);
    client.connect(acceptor.local_endpoint());
    auto accepted = acceptor.accept();
    const auto owner = GetParam().find(accepted.local_endpoint(), accepted.remote_endpoint());
    ASSERT_TRUE(owner) << owner.error().message();
    ASSERT_TRUE(*owner);
    EXPECT_EQ(**owner, ::geteuid());
}

// A client with an IPv6 socket may reach an IPv4 port by a mapped address, and a port of both families
// shows IPv4 clients by mapped addresses.
TEST_P(peer_user, knows_who_connected_by_a_mapped_address) {
    tcp::acceptor four(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket client(io, tcp::v6());
    client.connect({asio::ip::make_address_v6(asio::ip::v4_mapped, asio::ip::address_v4::loopback()),
                    four.local_endpoint().port()});
    auto accepted = four.accept();
    const auto owner = GetParam().find(accepted.local_endpoint(), accepted.remote_endpoint());
    ASSERT_TRUE(owner && *owner);
    EXPECT_EQ(**owner, ::geteuid());

    tcp::acceptor both(io);
    both.open(tcp::v6());
    both.set_option(asio::ip::v6_only(false));
    both.bind({asio::ip::address_v6::any(), 0});
    both.listen();
    tcp::socket client4(io);
    client4.connect({asio::ip::address_v4::loopback(), both.local_endpoint().port()});
    auto accepted4 = both.accept();
    ASSERT_TRUE(accepted4.remote_endpoint().address().is_v6());
    const auto owner4 = GetParam().find(accepted4.local_endpoint(), accepted4.remote_endpoint());
    ASSERT_TRUE(owner4 && *owner4);
    EXPECT_EQ(**owner4, ::geteuid());
}

// The kernel counts a closed socket as root's; taking its word would let anyone be root.
TEST_P(peer_user, does_not_take_a_closed_socket_for_roots) {
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket client(io);
    client.connect(acceptor.local_endpoint());
    auto accepted = acceptor.accept();
    client.close();
    const auto owner = GetParam().find(accepted.local_endpoint(), accepted.remote_endpoint());
    ASSERT_TRUE(owner) << owner.error().message();
    EXPECT_FALSE(*owner);
}

TEST_P(peer_user, still_knows_who_closed_only_the_sending_side) {
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket client(io);
    client.connect(acceptor.local_endpoint());
    auto accepted = acceptor.accept();
    client.shutdown(tcp::socket::shutdown_send);
    const auto owner = GetParam().find(accepted.local_endpoint(), accepted.remote_endpoint());
    ASSERT_TRUE(owner && *owner);
    EXPECT_EQ(**owner, ::geteuid());
}

TEST_P(peer_user, says_nobody_for_an_address_without_a_socket) {
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto own = acceptor.local_endpoint();
    // The port has a listener, and nobody is connected from this documentation address.
    const auto owner = GetParam().find(own, {asio::ip::make_address("192.0.2.9"), own.port()});
    ASSERT_TRUE(owner) << owner.error().message();
    EXPECT_FALSE(*owner);
    const auto listener = GetParam().find({asio::ip::address_v4::loopback(), 1}, own);
    ASSERT_TRUE(listener) << listener.error().message();
    EXPECT_FALSE(*listener) << "took the listener for the peer";
}

TEST_P(peer_user, knows_another_users_process) {
    if (::geteuid() != 0) {
        if (std::getenv("CI")) FAIL() << "CI must run as root, who can act as another user";
        GTEST_SKIP() << "only root can act as another user";
    }
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto port = acceptor.local_endpoint().port();
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(pipe_ends[1]);
        if (::setuid(65534) != 0) ::_exit(1);
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) ::_exit(2);
        char c;
        (void)!::read(pipe_ends[0], &c, 1);  // until the parent has looked
        ::_exit(0);
    }
    ::close(pipe_ends[0]);
    auto accepted = acceptor.accept();
    const auto owner = GetParam().find(accepted.local_endpoint(), accepted.remote_endpoint());
    const auto judged = gateway::check_local_peer(accepted.local_endpoint(), accepted.remote_endpoint());
    ::close(pipe_ends[1]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    ASSERT_TRUE(owner && *owner);
    EXPECT_EQ(**owner, 65534u);
    EXPECT_EQ(judged.who, gateway::local_peer::other_user);
    EXPECT_NE(judged.line.find("uid 65534"), std::string::npos) << judged.line;
}

INSTANTIATE_TEST_SUITE_P(ways, peer_user,
                         testing::Values(way{"asks_the_kernel", gateway::user_by_sock_diag},
                                         way{"reads_proc", gateway::user_by_proc},
                                         way{"either", gateway::user_of_peer}),
                         [](const auto& tested) { return tested.param.name; });

TEST(local_peer, admits_its_own_user) {
    asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket client(io);
    client.connect(acceptor.local_endpoint());
    auto accepted = acceptor.accept();
    EXPECT_EQ(gateway::check_local_peer(accepted.local_endpoint(), accepted.remote_endpoint()).who,
              gateway::local_peer::own_user);
}

TEST(local_peer, refuses_whom_it_cannot_know) {
    asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket client(io);
    client.connect(acceptor.local_endpoint());
    auto accepted = acceptor.accept();
    client.close();
    EXPECT_EQ(gateway::check_local_peer(accepted.local_endpoint(), accepted.remote_endpoint()).who,
              gateway::local_peer::unknown);
}

}  // namespace
