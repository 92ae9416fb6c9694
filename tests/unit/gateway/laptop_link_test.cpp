// The laptop's end of a link, against a gateway that a test plays.
#include "gateway/laptop_link.h"

#include <optional>

#include "gateway/tls_server.h"
#include "tests/unit/gateway/hand_link.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

// Takes one connection at a time, and says what the test wants it to.
class played_gateway : public channel_ear {
public:
    played_gateway(boost::asio::io_context& io, authority& ca)
        : context_(authority::server_context(ca.gateway())), acceptor_(io, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
        on_bytes = [this](std::string_view bytes) {
            decoder_.feed(bytes);
            protocol::error_code ec;
            while (const auto frame = decoder_.next(ec)) heard.push_back(frame->type);
        };
        acceptor_.async_accept([this](const boost::system::error_code& ec, tcp::socket socket) {
            if (ec) return;
            acceptor_.close();
            ssl_handle ssl(SSL_new(context_.get()));
            channel = tls_channel::make(std::move(socket), std::move(ssl), tls_channel::role::server, *this);
            channel->start(60s);
        });
    }
    ~played_gateway() override {
        if (channel) channel->abort();
    }
    void say(frame_type type, std::uint32_t stream, const json& body) {
        std::string out;
        protocol::append_control(out, type, stream, body);
        channel->send(out);
    }
    bool has_heard(frame_type type) const { return std::find(heard.begin(), heard.end(), type) != heard.end(); }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

    std::shared_ptr<tls_channel> channel;
    std::vector<frame_type> heard;

private:
    auth::ssl_ctx context_;
    tcp::acceptor acceptor_;
    protocol::link_decoder decoder_;
};

class laptop_link_test : public testing::Test, public link_watcher {
protected:
    struct ide final : stream_caller, std::enable_shared_from_this<ide> {
        struct ear final : stream_user {
            explicit ear(std::shared_ptr<ide> to) : of(std::move(to)) {}
            void received(std::string_view) override {}
            void writable() override {}
            void ended() override {}
            void lost(std::string_view why) override { of->lost_for = why; }
            void forgotten(std::string_view why) override { of->forgotten_for = why; }
            std::shared_ptr<ide> of;
        };
        void opened(link_stream& stream) override {
            stream.attach(std::make_unique<ear>(shared_from_this()));
            stream.send("hello");
        }
        void decided(const verdict& said) override { accepted = said.accepted; }
        void failed(std::string_view why) override { lost_for = why; }
        bool accepted = false;
        std::string lost_for, forgotten_for;
    };

    void link_up() override { ++ups; }
    void link_down(const link_problem& why) override { downs.push_back(why.line); }
    void listed(const std::vector<component_summary>&) override {}
    void noticed(std::string_view line) override { notices.emplace_back(line); }

    // A link that is up, with an IDE on it.
    void begin(const std::string& token) {
        gateway.emplace(io, ca);
        link_settings settings;
        settings.host = "127.0.0.1";
        settings.port = gateway->port();
        settings.server_name = "gateway.test";
        settings.files = ca.person("alice");
        link.emplace(io, settings, *this);
        link->start();
        ASSERT_TRUE(until([&] { return gateway->has_heard(frame_type::hello); }));
        gateway->say(frame_type::hello, 0, json::object{{"version", 1}, {"link", token}, {"keepSeconds", 600}});
        ASSERT_TRUE(until([&] { return ups == 1; }));
        link->open("app", one);
        ASSERT_TRUE(until([&] { return gateway->has_heard(frame_type::data); }));
        gateway->say(frame_type::verdict, 1, json::object{{"ok", true}, {"component", "app"}, {"session", "s1"}});
        ASSERT_TRUE(until([&] { return one->accepted; }));
    }
    void break_it() {
        gateway->channel->abort();
        ASSERT_TRUE(until([&] { return !downs.empty(); }));
    }
    bool until(const std::function<bool()>& done) { return run_until(io, done); }

    authority ca;
    boost::asio::io_context io{1};
    std::optional<played_gateway> gateway;
    std::optional<laptop_link> link;
    std::shared_ptr<ide> one = std::make_shared<ide>();
    int ups = 0;
    std::vector<std::string> downs, notices;
};

TEST_F(laptop_link_test, closed_while_it_is_broken_it_waits_for_nothing) {
    begin("0123456789abcdef");
    break_it();
    EXPECT_EQ(link->held(), 1u);
    link->close("delvegate connect ends");
    EXPECT_EQ(one->lost_for, "delvegate connect ends");
    // The process ends when there is nothing left to do.
    io.restart();
    io.run_for(20s);
    EXPECT_TRUE(io.stopped());
}

TEST_F(laptop_link_test, a_name_that_is_too_long_to_be_said_again_is_none) {
    begin(std::string(129, 'a'));
    break_it();
    EXPECT_EQ(link->held(), 0u);
    EXPECT_TRUE(until([&] { return !one->lost_for.empty(); }));
}

TEST_F(laptop_link_test, whom_a_gateway_leaves_may_find_another_one) {
    begin("0123456789abcdef");
    EXPECT_EQ(link->keep_time(), 600s);
    gateway->say(frame_type::goaway, 0, json::object{{"reason", "shutting down"}, {"seconds", 0}, {"code", "draining"}});
    gateway->channel->shutdown(1s);
    ASSERT_TRUE(until([&] { return !one->forgotten_for.empty(); }));
    EXPECT_EQ(one->forgotten_for, "shutting down");
    EXPECT_EQ(one->lost_for, "");
}

TEST_F(laptop_link_test, whom_a_gateway_sends_away_finds_no_other) {
    begin("0123456789abcdef");
    gateway->say(frame_type::goaway, 0, json::object{{"reason", "the link was idle"}, {"seconds", 0}});
    gateway->channel->shutdown(1s);
    ASSERT_TRUE(until([&] { return !one->lost_for.empty(); }));
    EXPECT_EQ(one->forgotten_for, "");
}

TEST_F(laptop_link_test, a_notice_is_a_line_of_an_ide_that_is_there) {
    begin("0123456789abcdef");
    gateway->say(frame_type::notice, 1, json::object{{"text", std::string(50'000, 'x')}});
    ASSERT_TRUE(until([&] { return !notices.empty(); }));
    EXPECT_LE(notices[0].size(), 512u);
    gateway->say(frame_type::notice, 3, json::object{{"text", "for nobody"}});
    ASSERT_TRUE(until([&] { return !downs.empty(); }));
    EXPECT_EQ(notices.size(), 1u);
    EXPECT_NE(downs[0].find("breaks the protocol"), std::string::npos) << downs[0];
}

}  // namespace
}  // namespace gateway
