// An IDE's JSON-RPC connection reduced to what a measurement needs: one request at a time, every reply
// checked to be a result for that very request.
#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

struct failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// "127.0.0.1:2345"; throws failure.
sockaddr_in parse_address(std::string_view text);

class load_connection {
public:
    // Connects, waiting for it; throws failure, as every call below does.
    explicit load_connection(const sockaddr_in& address);
    ~load_connection();
    load_connection(const load_connection&) = delete;
    load_connection& operator=(const load_connection&) = delete;

    // `params` is the one element of params, e.g. "{}".
    void send(std::string_view method, std::string_view params);
    // One recv(2) of what is there (or comes within `patience_seconds`); true when the reply is complete.
    bool receive();
    // send() and receive() until the reply is complete; its size in bytes.
    std::size_t call(std::string_view method, std::string_view params);

    int descriptor() const { return fd_; }

    static constexpr int patience_seconds = 30;

private:
    void check_reply() const;

    int fd_;
    std::uint64_t id_ = 0;
    std::string request_;
    std::string head_, tail_;  // first and last bytes of the reply
    std::size_t size_ = 0;
};

}  // namespace bench
