// The one link of `delvegate connect`: dials, and dials again when it breaks. Its streams wait meanwhile, for as long as
// the gateway keeps its ends of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "auth/tls.h"
#include "gateway/laptop_connection.h"
#include "gateway/laptop_dial.h"

namespace gateway {

struct link_settings {
    std::string host;         // where to dial
    std::uint16_t port = 7443;
    std::string server_name;  // what the certificate must be for; empty: host
    via_way via{};            // how to get there
    auth::tls_files files;    // read anew for every dial, so that a renewed certificate is used
    protocol::client_paths paths{};  // said of every stream
};

// Who hears of the link's ups and downs.
class link_watcher {
public:
    virtual ~link_watcher() = default;
    virtual void link_up() = 0;
    // No link: it broke, or a dial failed. Followed by further dials once there was a link.
    virtual void link_down(const link_problem& why) = 0;
    virtual void listed(const std::vector<component_summary>& components) = 0;
    virtual void noticed(std::string_view) {}  // a line of the gateway's for the person
};

class laptop_link final : public connection_owner {
public:
    laptop_link(boost::asio::io_context& io, link_settings settings, link_watcher& watcher);
    ~laptop_link() override;

    // Dials, unless there is a link or a dial under way. After the first success the link is kept up:
    // a broken one is dialled again, at once when somebody wants a stream, else with growing pauses; one that
    // ended for the certificate's sake as soon as there is another certificate, else after a minute.
    void start();
    bool up() const { return up_; }
    // IDE connections that wait for a broken link to go on, and how long they may.
    std::size_t held() const { return broken_ ? broken_->streams.size() : 0; }
    std::chrono::seconds held_for() const { return broken_ ? broken_->time : std::chrono::seconds(0); }
    // Now, or as soon as there is a link; caller->failed() when the dial fails.
    // `again`: with a view of an earlier gateway's, to be rebuilt.
    void open(std::string component, std::shared_ptr<stream_caller> caller, std::string stop = {}, bool again = false);
    // For how long a view is kept for a gateway that is gone; 0: it is not.
    std::chrono::seconds keep_time() const { return keep_time_; }
    // Why there was no link, the last time.
    trouble last_trouble() const { return last_trouble_; }
    // Answered by listed(). Only while up.
    void list();
    // Ends politely; nobody is called any more.
    void close(std::string_view reason);

private:
    void greeted() override;
    void listed(const std::vector<component_summary>& components) override;
    void noticed(std::string_view line) override { watcher_.noticed(line); }
    void leaving(std::string_view reason) override;
    void resumed(std::string_view refusal, bool unknown) override;
    void gone(const link_problem& why, std::unique_ptr<broken_link> left) override;
    void give_up_later(std::chrono::milliseconds time);
    void give_up(std::string_view reason, bool unknown = false);

    void dial_now();
    void dialled(or_reason<way_there> way);
    void down(const link_problem& why, bool was_there = false);
    void dial_later();
    void dial_when_renewed(std::chrono::steady_clock::time_point at_the_latest);

    boost::asio::io_context& io_;
    const link_settings settings_;
    link_watcher& watcher_;
    boost::asio::steady_timer pause_;
    boost::asio::steady_timer patience_;  // with a broken link
    std::unique_ptr<broken_link> broken_;
    std::chrono::system_clock::time_point broken_since_;  // by the clock that goes on while the laptop sleeps
    std::chrono::milliseconds next_pause_;
    auth::ssl_ctx context_;
    std::string dialled_with_;  // what the certificate's file looked like
    std::shared_ptr<laptop_connection> connection_;
    struct waiting {
        std::string component;
        std::shared_ptr<stream_caller> caller;
        std::string stop{};
        bool again = false;
        int dials = 3;  // that may break before they are told
    };
    std::deque<waiting> waiting_;
    std::chrono::steady_clock::time_point up_since_;
    std::chrono::seconds keep_time_{0};
    trouble last_trouble_ = trouble::unreachable;
    bool dialling_ = false;  // until hello, or a failure
    bool up_ = false;
    bool was_up_ = false;
    bool closed_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
