// The gateway's side of the signer: starts it, asks it, starts it again when it dies.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "auth/issuing.h"
#include "auth/signer_message.h"
#include "gateway/own_process.h"
#include "launcher/outcome.h"

namespace gateway {

struct signer_settings {
    std::string program = "/proc/self/exe";
    std::string state_directory;
    auth::issue_terms terms;
    std::vector<std::string> hosts;  // what the gateway's own certificate may be for
    std::chrono::milliseconds time_out = std::chrono::seconds(10);
    std::chrono::milliseconds first_pause = std::chrono::milliseconds(100);  // before it is started again;
    std::chrono::milliseconds longest_pause = std::chrono::seconds(30);      // doubled from time to time
};

// Callbacks are called from the loop, never from within the asking function, and not at all once the
// client is gone. While the signer is not there, answers are "unavailable" at once.
class signer_client {
public:
    template <class T>
    using callback = std::function<void(auth::issue_result<T>)>;

    struct token_state {
        std::int64_t live = 0;
        std::int64_t next_expiry = 0;  // seconds since the epoch; 0: none lives
    };
    struct revoked_list {
        std::vector<std::pair<std::string, std::string>> serials;  // issuer (RFC 2253), serial
        std::vector<std::string> users;
    };
    struct signature {
        std::string bytes;
        std::string public_key;  // DER
    };

    signer_client(boost::asio::io_context& io, signer_settings settings);
    ~signer_client();
    signer_client(const signer_client&) = delete;
    signer_client& operator=(const signer_client&) = delete;

    // Starts it and waits until it is ready: before the first socket is opened, and before io runs. An
    // error is the signer's own: a damaged store, a key that others can read.
    launcher::outcome<void> start();
    void stop();
    bool up() const { return up_; }
    pid_t pid() const { return process_.pid; }

    // The store was changed by somebody else, or the signer was started again: ask anew.
    std::function<void()> on_changed;

    // Set: a signer that has ended is not started again (who is confined cannot), and this is called instead.
    std::function<void()> on_gone;

    // `token_hash` and `fingerprint` are lower-case hex, `spki` DER.
    void enroll(std::string token_hash, std::string spki, std::string source, callback<auth::issued_certificate> done);
    void renew(std::string fingerprint, std::string spki, std::string proof, callback<auth::issued_certificate> done);
    void tokens(callback<token_state> done);
    void revoked(callback<revoked_list> done);
    // `bytes` begin with auth::anchor_label.
    void sign_anchor(std::string bytes, callback<signature> done);
    void gateway_certificate(std::vector<std::string> hosts, std::string spki, callback<auth::issued_certificate> done);

private:
    using answer = std::function<void(auth::issue_result<protocol::json>)>;
    struct pending {
        answer done;
        std::chrono::steady_clock::time_point deadline;
    };

    launcher::outcome<void> spawn();
    void ask(auth::signer_request request, answer done);
    void ask_revoked(auth::revoked_request from, std::shared_ptr<revoked_list> so_far, callback<revoked_list> done);
    void read();
    void write();
    void heard(std::string_view packet);
    void heard_event(const protocol::json& event);
    void watch();
    void lost(const std::string& why);
    void start_again();

    boost::asio::io_context& io_;
    signer_settings settings_;
    own_process process_;
    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer alarm_, pause_;
    std::chrono::milliseconds next_pause_;
    std::chrono::steady_clock::time_point up_since_{};
    std::string buffer_;
    std::deque<std::string> outgoing_;
    std::map<std::uint64_t, pending> waiting_;  // answered in their order, so the first is the oldest
    std::uint64_t last_id_ = 0;
    bool up_ = false;
    bool stopped_ = true;
    bool writing_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    std::uint64_t life_ = 0;  // which process: what an earlier one's handlers bring is ignored
};

}  // namespace gateway
