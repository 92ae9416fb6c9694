// One TLS connection to a gateway that speaks delvegate/1: the client end of docs/protocol.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "auth/tls.h"
#include "gateway/directory.h"
#include "gateway/held_link.h"
#include "gateway/laptop_dial.h"
#include "gateway/link_streams.h"
#include "gateway/tls_channel.h"

namespace gateway {

// Why there is no link.
enum class trouble {
    unreachable,  // no way there, no answer, or the connection broke
    certificate,  // theirs or ours
    refused,      // the gateway sent us away, or does not speak our protocol
    expelled,     // we were in, and may not be here any more
};
struct link_problem {
    trouble kind = trouble::unreachable;
    std::string line;  // one line for a person
};

// Who wants a stream.
class stream_caller {
public:
    virtual ~stream_caller() = default;
    // OPEN has been sent; attach a user and send right away: the verdict is still to come.
    virtual void opened(link_stream& stream) = 0;
    // A refused stream is gone: not one more call into it.
    virtual void decided(const verdict& said) = 0;
    // There is no link, and this is why.
    virtual void failed(std::string_view reason) = 0;
};

// What is left of a connection that broke, for the next one to go on with.
struct broken_link : held_link {
    using held_link::held_link;
    struct waiting {
        std::shared_ptr<stream_caller> caller;
        std::chrono::steady_clock::time_point since;
    };
    std::string token;
    std::chrono::seconds time{0};  // for which the gateway keeps it
    std::uint32_t next_id = 1;
    std::map<std::uint32_t, waiting> undecided;  // rising ids, so the oldest first
};

// Who owns a connection. Calls come from the event loop.
class connection_owner {
public:
    virtual ~connection_owner() = default;
    // The gateway said hello: it took our certificate, streams can be opened.
    virtual void greeted() = 0;
    // Before greeted(): the broken link that was given to start() goes on here, or (not empty) why it does not. It
    // is empty in the first case. `unknown`: the gateway knows nothing of the link; it is another one, perhaps.
    virtual void resumed(std::string_view refusal, bool unknown) = 0;
    virtual void listed(const std::vector<component_summary>& components) = 0;
    virtual void noticed(std::string_view line) = 0;  // for the person
    // The gateway takes no more streams; those there are may go on for a while.
    virtual void leaving(std::string_view reason) = 0;
    // The last call, once. What can go on is in `left`; without it the streams hear lost() right after it.
    virtual void gone(const link_problem& why, std::unique_ptr<broken_link> left) = 0;
};

class laptop_connection final : public std::enable_shared_from_this<laptop_connection>,
                                channel_user,
                                link_owner,
                                link_output {
public:
    // `host` is what the certificate must be for; `files` are for explanations.
    laptop_connection(boost::asio::io_context& io, std::string host, auth::tls_files files,
                      connection_owner& owner);
    ~laptop_connection() override;

    // Begins TLS and says hello behind it; asks to go on with `broken`, if there is one, which must outlive this
    // connection or resumed().
    void start(way_there way, SSL_CTX* context, broken_link* broken);
    // `paths`: members of OPEN that say what the laptop has of the sources.
    // `stop`: the name of a stop that the verdict is to speak of.
    // `again`: the caller has a view of an earlier gateway's, to be rebuilt.
    void open(std::string_view component, std::shared_ptr<stream_caller> caller, const protocol::client_paths& paths,
              std::string_view stop = {}, bool again = false);
    // For how long the gateway keeps a link that breaks; 0: it does not.
    std::chrono::seconds keep_time() const { return token_.empty() ? std::chrono::seconds(0) : keep_time_; }
    void list();
    // Ends politely; gone() is not called.
    void close(std::string_view reason);

private:
    // channel_user
    void opened() override;
    void received(std::string_view bytes) override;
    void writable() override;
    void ended() override;
    void closed(close_cause cause, std::string_view text) override;
    // link_output
    void send(std::string_view bytes) override { channel_->send(bytes); }
    std::size_t unsent() const override { return channel_->unsent(); }
    // link_owner
    bool control(protocol::frame_type type, std::uint32_t stream, const protocol::json& body) override;
    void stream_closed(std::uint32_t stream) override;
    void stream_overflowed(std::uint32_t) override {}
    void broken(std::string_view reason) override;
    void collect_later() override;

    bool on_hello(const protocol::json& body);
    bool on_resumed(const protocol::json& body);
    void go_on(const std::vector<stream_place>& there);
    void greet();
    std::unique_ptr<broken_link> what_is_left(const link_problem& why);
    bool on_verdict(std::uint32_t stream, const protocol::json& body);
    bool on_components(const protocol::json& body);
    bool on_notice(std::uint32_t stream, const protocol::json& body);
    bool on_goaway(const protocol::json& body);
    void expect_answer();
    void tick();
    bool tunnel_ended(link_problem& why) const;
    void fail_later(link_problem why);
    void fail(link_problem why);

    boost::asio::io_context& io_;
    const std::string host_;
    const auth::tls_files files_;
    connection_owner* owner_;
    std::shared_ptr<tunnel> tunnel_;  // may be none
    std::shared_ptr<tls_channel> channel_;
    link_streams streams_;
    boost::asio::steady_timer pings_;
    boost::asio::steady_timer answers_;          // for hello, verdicts and lists
    std::map<std::uint32_t, broken_link::waiting> undecided_;
    std::uint32_t next_id_ = 1;
    broken_link* broken_ = nullptr;              // the gateway is asked to go on with it
    std::string token_;                          // the gateway's name for this link; empty: it keeps none
    std::chrono::seconds keep_time_{0};
    bool successor_ = false;                     // a gateway that leaves may have one
    std::string goodbye_;                        // what the gateway gave as its reason
    trouble goodbye_kind_ = trouble::refused;
    bool answers_armed_ = false;
    bool collecting_ = false;
    bool failing_ = false;
};

}  // namespace gateway
