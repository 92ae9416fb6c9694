#include "gateway/laptop_dial.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/proxy_tunnel.h"
#include "gateway/ssh_tunnel.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using std::chrono::steady_clock;

using socket_done = std::function<void(or_reason<tcp::socket>)>;

class dialer : public std::enable_shared_from_this<dialer> {
public:
    dialer(asio::io_context& io, std::string host, std::uint16_t port, std::chrono::milliseconds time,
           socket_done done, bool gateway = true)
        : host_(std::move(host)),
          port_(port),
          time_(time),
          end_(steady_clock::now() + time),
          resolver_(io),
          socket_(io),
          timer_(io),
          done_(std::move(done)),
          gateway_(gateway) {}

    void start() {
        boost::system::error_code ec;
        const auto address = asio::ip::make_address(host_, ec);
        if (!ec) {
            addresses_.emplace_back(address, port_);
            return try_next();
        }
        timer_.expires_at(end_);
        timer_.async_wait([self = shared_from_this()](auto error) {
            if (!error) self->finish("cannot resolve " + self->host_ + ": the name servers do not answer");
        });
        resolver_.async_resolve(
            host_, std::to_string(port_), tcp::resolver::numeric_service,
            [self = shared_from_this()](auto error, auto found) { self->resolved(error, found); });
    }

private:
    void resolved(boost::system::error_code ec, const tcp::resolver::results_type& found) {
        if (!done_) return;
        timer_.cancel();
        if (ec == asio::error::host_not_found || ec == asio::error::no_data)
            return finish("cannot resolve " + host_ +
                          ": no such host; check the name, or give " + (gateway_ ? "the gateway's" : "its") + " address");
        if (ec)
            return finish("cannot resolve " + host_ + ": " + ec.message() +
                          "; is this host on the right network?");
        for (const auto& entry : found) addresses_.push_back(entry.endpoint());
        try_next();
    }

    // Every address gets a fair share of the time that is left, so that a dead first one (an IPv6
    // address without a route, often) does not eat the others' chance.
    void try_next() {
        if (next_ == addresses_.size()) return finish(explain());
        const auto left = end_ - steady_clock::now();
        const auto share = left / static_cast<long>(addresses_.size() - next_);
        const auto& where = addresses_[next_++];
        timed_out_ = false;
        socket_ = tcp::socket(socket_.get_executor());
        timer_.expires_after(std::max<steady_clock::duration>(share, std::chrono::milliseconds(1)));
        timer_.async_wait([self = shared_from_this(), attempt = next_](auto error) {
            if (error || !self->done_ || attempt != self->next_) return;
            self->timed_out_ = true;
            boost::system::error_code ignored;
            self->socket_.close(ignored);
        });
        socket_.async_connect(where, [self = shared_from_this()](auto error) { self->connected(error); });
    }

    void connected(boost::system::error_code ec) {
        if (!done_) return;
        timer_.cancel();
        if (!ec) return std::exchange(done_, {})(std::move(socket_));
        if (timed_out_) ec = asio::error::timed_out;
        // The most telling failure of all addresses: somebody was there and refused.
        if (!failure_ || ec == asio::error::connection_refused) failure_ = ec;
        try_next();
    }

    std::string explain() const {
        const auto where = host_and_port(host_, port_);
        if (failure_ == asio::error::connection_refused)
            return where + " refused the connection: nothing listens there; is " +
                   (gateway_ ? "`delvegate serve` " : "the proxy ") + "running, and is that its port?";
        if (failure_ == asio::error::timed_out)
            return "no answer from " + where + " within " +
                   std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time_).count()) +
                   " s: the host is down, or a firewall drops the port";
        if (failure_ == asio::error::network_unreachable || failure_ == asio::error::host_unreachable)
            return "there is no way from here to " + where + ": " + failure_.message();
        return "cannot connect to " + where + ": " + failure_.message();
    }

    void finish(std::string reason) {
        timer_.cancel();
        if (done_) std::exchange(done_, {})(std::move(reason));
    }

    const std::string host_;
    const std::uint16_t port_;
    const std::chrono::milliseconds time_;
    const steady_clock::time_point end_;
    tcp::resolver resolver_;
    tcp::socket socket_;
    asio::steady_timer timer_;
    socket_done done_;
    const bool gateway_;  // else a proxy
    std::vector<tcp::endpoint> addresses_;
    std::size_t next_ = 0;
    boost::system::error_code failure_;
    bool timed_out_ = false;
};

}  // namespace

void dial(asio::io_context& io, std::string host, std::uint16_t port, const via_way& via, std::chrono::milliseconds time,
          dial_done done) {
    using result = or_reason<way_there>;
    const auto failed = [](const std::string& why) { return result(boost::system::in_place_error, why); };
    const auto end = steady_clock::now() + time;
    switch (via.how) {
        case via_way::kind::ssh:
            asio::post(io, [&io, host = std::move(host), port, via, done = std::move(done)] {
                done(open_ssh_tunnel(io.get_executor(), via, host, port));
            });
            return;
        case via_way::kind::http:
            // A proxy that is not there leaves no time to ask it; one that is has what is left.
            std::make_shared<dialer>(io, via.host, via.port, time / 2,
                                     [host = std::move(host), port, via, end, failed, done = std::move(done)](or_reason<tcp::socket> to) {
                                         if (!to) return done(failed("the proxy of --via: " + to.error()));
                                         const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now());
                                         ask_proxy(std::move(*to), via, host, port, left, done);
                                     }, false)
                ->start();
            return;
        case via_way::kind::direct: break;
    }
    std::make_shared<dialer>(io, std::move(host), port, time, [failed, done = std::move(done)](or_reason<tcp::socket> to) {
        if (!to) return done(failed(to.error()));
        done(result(boost::system::in_place_value, way_there(std::move(*to))));
    })->start();
}

std::string host_and_port(const std::string& host, std::uint16_t port) {
    const bool brackets = host.find(':') != std::string::npos;
    return (brackets ? "[" + host + "]:" : host + ":") + std::to_string(port);
}

}  // namespace gateway
