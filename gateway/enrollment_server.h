// The port where a token becomes a certificate: bound only while the signer has a live token, and nothing
// but `POST /v1/enroll` can be reached through it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "auth/tls.h"
#include "gateway/admission.h"
#include "gateway/carrier.h"
#include "gateway/enrollment.h"
#include "gateway/listening_ports.h"

namespace gateway {

class enrollment_server {
public:
    struct settings {
        std::vector<host_port> listen;
        // Made anew each time the port opens, and by use_new_files().
        std::function<auth::outcome<auth::ssl_ctx>()> context;
    };
    // All outlive the server. Limits before TLS are `bounds`' handshake limits; a connection counts as a
    // handshake until it has its answer.
    enrollment_server(boost::asio::io_context& io, const limits& bounds, counters& counts, enrollment& service,
                      signer& who_signs, settings how);
    ~enrollment_server();
    enrollment_server(const enrollment_server&) = delete;
    enrollment_server& operator=(const enrollment_server&) = delete;

    // Asks the signer now, on each change of its, and when a token runs out; opens and closes the port. A
    // port that cannot be bound is logged, and tried again at the next occasion.
    void start();
    // Closes the port for good; callers with a request under way get their answer.
    void stop();

    // Certificate or key were renewed: for callers from now on. What cannot be used is logged, and what was good
    // stays.
    void use_new_files();

    bool open() const { return !addresses().empty(); }
    std::vector<boost::asio::ip::tcp::endpoint> addresses() const { return ports_.addresses(); }
    std::size_t live() const { return live_; }

private:
    class call;

    void ask();
    void told(const live_tokens& tokens);
    void open_ports();
    void take(int fd, const boost::asio::ip::tcp::endpoint& peer);
    void trouble(const std::string& source, const std::string& text);
    void remove(std::uint64_t id);

    boost::asio::io_context& io_;
    limits bounds_;
    counters& counts_;
    enrollment& service_;
    signer& signer_;
    settings how_;
    admission admission_{bounds_};
    log_gate gate_;
    auth::ssl_ctx context_;
    listening_ports ports_;
    boost::asio::steady_timer again_;
    std::unordered_map<std::uint64_t, std::shared_ptr<call>> calls_;
    std::uint64_t last_id_ = 0;
    std::size_t live_ = 0;
    bool stopped_ = false;
    std::string told_;  // the last reason why the port could not be opened
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
