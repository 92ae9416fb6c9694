// The control API's HTTP, without a socket: bytes of one request in, bytes of the answer out. Used over
// TLS (ALPN http/1.1) and on the Unix socket of `delvegate status`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

struct http_answer {
    unsigned status = 200;
    std::string body;  // JSON
};

class http_exchange {
public:
    // Asked once, with the path of a well-formed GET.
    explicit http_exchange(std::function<http_answer(std::string_view path)> answer);
    ~http_exchange();

    // The whole answer once the request is complete or refused; the connection is to be closed after it.
    std::optional<std::string> feed(std::string_view bytes);

    static constexpr std::size_t max_header = 8 * 1024;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

// {"error":"..."}
std::string http_error(std::string_view text);

}  // namespace gateway
