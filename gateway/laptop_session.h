// One IDE connection on the laptop: a local socket and its stream on the link.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/byte_queue.h"
#include "gateway/conversation.h"
#include "gateway/laptop_link.h"

namespace gateway {

class laptop_session;

// Who keeps the sessions, and tells the person at the terminal.
class session_owner {
public:
    virtual ~session_owner() = default;
    // An IDE was told that there is no session for it, and why.
    virtual void refused(std::string_view reason) = 0;
    // A session that there was has been broken off, and why; its IDE only sees its connection close.
    virtual void cut_off(std::string_view reason) = 0;
    // The gateway was another one, and has the IDE's view as the one before had it.
    virtual void rebuilt() = 0;
    virtual void over(laptop_session& session) = 0;
};

// Bytes move from the local socket into link frames and back, as they are: what goes through is only read, so that the view can
// be made again when the gateway has been followed by another one (laptop_again.cpp, conversation.h). Where that cannot be,
// nothing is parsed, unless the IDE has to be told why it gets no session (refusal.cpp).
class laptop_session final : public std::enable_shared_from_this<laptop_session>,
                             public stream_caller,
                             stream_peer,
                             view_ends {
public:
    laptop_session(boost::asio::ip::tcp::socket socket, std::string_view component, laptop_link& link,
                   session_owner& owner);

    // The stream is opened with the IDE's first bytes right behind: both protocols let the client
    // speak first, and a mere probe of the port takes nobody's place at the component.
    void start();
    // Ends the IDE's connection once it has been sent what is there.
    void end();

private:
    class ear;

    // stream_caller
    void opened(link_stream& stream) override;
    void decided(const verdict& said) override;
    void failed(std::string_view reason) override;
    // From the gateway.
    void from_link(std::string_view bytes);
    void link_ended();
    void link_lost(std::string_view reason);
    void link_forgotten(std::string_view reason);
    // view_ends
    void to_ide(std::string_view bytes) override;
    void to_gateway(std::string_view bytes) override;
    void rebuilt() override;
    void not_rebuilt(const std::string& reason) override;
    // Another gateway, or none.
    void ask_again();
    void ask_again_later(std::string_view reason);
    std::string too_late(std::string_view reason) const;
    void decided_again(const verdict& said);
    void break_off(const std::string& reason);
    void pay(std::size_t written);
    void stop_reading();
    // stream_peer, for the refusal.
    void send(std::string_view bytes) override;
    std::size_t unsent() const override { return out_.size(); }
    void consumed(std::size_t) override {}
    void finish() override;
    void abort(std::string_view reason) override;

    void read();
    void on_read(const boost::system::error_code& ec, std::size_t n);
    void read_the_rest();
    bool paused() const;
    void from_ide(std::string_view bytes);
    void ide_ended(bool broken);
    std::size_t write(std::string_view bytes);
    void arm_write();
    void on_writable();
    void refuse(std::string_view reason);
    void leave_stream();
    void settle();
    void expire_after(std::chrono::milliseconds time);
    void close();

    boost::asio::ip::tcp::socket socket_;
    const std::string_view component_;
    laptop_link& link_;
    session_owner& owner_;
    link_stream* stream_ = nullptr;
    std::unique_ptr<stream_user> refusal_;
    std::optional<boost::asio::steady_timer> deadline_;
    byte_queue out_;      // towards the IDE
    conversation talk_{*this};
    bool reads_ = true;   // the bytes go through talk_
    std::size_t owed_ = 0;  // bytes of the gateway's that are not acknowledged: they may be on their way to the IDE
    std::string user_;    // whom the gateway took us for
    bool again_ = false;  // a gateway is asked, or waited for, to make the view anew
    bool rebuilding_ = false;  // it does
    std::chrono::system_clock::time_point until_;           // then it is given up; goes on while the laptop sleeps
    std::chrono::system_clock::time_point unlikely_until_;  // … where it is not likely to be had
    std::chrono::milliseconds pause_{0};           // before it is asked for again
    std::string held_;    // from the IDE, until the verdict: to be told again, or to be answered here
    bool asked_ = false;  // for a stream
    int asks_left_ = 8;   // … when its link breaks before the verdict
    bool decided_ = false;
    bool reading_ = false;
    bool writing_ = false;
    bool ide_ended_ = false;
    bool ide_deaf_ = false;  // takes no more bytes; may still have said something
    bool link_ended_ = false;
    bool finishing_ = false;
    bool closed_ = false;
    std::array<char, 1024> first_;  // where a wait for the IDE's next request ends
};

}  // namespace gateway
