// Renews the certificate of a context while `delvegate connect` runs: a new key each time, stored in one
// rename, used by the next TLS connection. The live link stays; the gateway knows it by the new certificate.
// Who enrols, or renews by another program, while the gateway is asked, was first: what they have stored stays.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "auth/pem.h"
#include "gateway/contexts.h"
#include "gateway/via.h"

namespace gateway {

// When to renew, in seconds since the epoch: two thirds of the way from when the certificate came to its
// end, and up to a twentieth later (`jitter` 0 to 1), so that laptops enrolled together do not come together.
double renewal_due(double since, double not_after, double jitter);
// The pause after the n-th failure (from 0): doubling, from a second or a hundredth of the certificate's life
// to a quarter of an hour, and never more than a quarter of what is left.
std::chrono::milliseconds renewal_pause(int failures, double life, double left);

class certificate_renewal {
public:
    struct settings {
        std::string context;
        std::string host;  // the gateway's main port, as the link dials it
        std::uint16_t port = 0;
        std::string server_name;
        via_way via{};
    };
    // `say` gets one line for a person when something is to be known.
    certificate_renewal(boost::asio::io_context& io, settings how, std::function<void(const std::string&)> say);
    ~certificate_renewal();

    void start();
    void stop();
    bool busy() const { return key_ != nullptr; }  // a gateway is being asked

private:
    struct validity {
        double since = 0;  // when this certificate came here
        double not_after = 0;
        std::string version;  // see context_store
    };
    auth::outcome<validity> look() const;
    void wait(std::chrono::milliseconds time);
    void check();
    void renew(const validity& now);
    void answered(const validity& now, const auth::outcome<std::string>& body);
    void failed(const validity& now, const std::string& why);
    void tell(const std::string& line);

    boost::asio::io_context& io_;
    const settings how_;
    std::function<void(const std::string&)> say_;
    context_store store_;
    boost::asio::steady_timer timer_;
    auth::key_ptr key_;      // the next one, while it is asked for
    auth::ssl_ctx context_;
    double jitter_ = 0;
    int failures_ = 0;
    int lock_ = -1;          // held while renewing: of several `connect`, one does it
    std::string told_;
    bool stopped_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
