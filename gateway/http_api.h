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

// Asked once, with the path of a well-formed GET.
using http_get = std::function<http_answer(std::string_view path)>;
// … with the path and the body of a POST; where there is none, only GET is served.
using http_post = std::function<http_answer(std::string_view path, std::string_view body)>;

class http_exchange {
public:
    explicit http_exchange(http_get answer, http_post post = {});
    ~http_exchange();

    // The whole answer once the request is complete or refused; the connection is to be closed after it.
    std::optional<std::string> feed(std::string_view bytes);

    static constexpr std::size_t max_header = 8 * 1024;
    static constexpr std::size_t max_body = 8 * 1024;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

// {"error":"..."}
std::string http_error(std::string_view text);

}  // namespace gateway
