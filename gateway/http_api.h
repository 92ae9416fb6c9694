// HTTP/1.1 without a socket: bytes of one request in, bytes of the answer out. Used over TLS (ALPN
// http/1.1), on the enrolment port, and on the Unix socket of `delvegate status`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace gateway {

struct http_request {
    std::string method;
    std::string path;  // without a query
    std::string body;
    std::string host{};  // as the request has it
};

struct http_answer {
    unsigned status = 200;
    std::string body{};
    std::string allow = "GET";    // told with 405
    std::string type = "application/json";
};

// Reads one request: a header of at most 8 KiB, and a body of the length it says. What changes something is refused where a web
// page asks for it, but for our own page: `ours` says whether a host (without its port) is a name of this server, and the request must
// have its `Origin`, `Sec-Fetch-Site: same-origin` and `X-Delvegate: 1`. Without `ours` there is no such page.
class http_reader {
public:
    explicit http_reader(std::size_t max_body, std::function<bool(const std::string& host)> ours = {});
    ~http_reader();

    // Nothing while more bytes are needed; then, once, the request, or the answer to what is none.
    std::optional<std::variant<http_request, http_answer>> feed(std::string_view bytes);

    static constexpr std::size_t max_header = 8 * 1024;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

// The answer's bytes; the connection is to be closed after them. `signed_off`: whether it says who serves.
std::string http_text(const http_answer& said, bool signed_off = true);

// An answer that comes in lines of JSON: its head, then each line, then the end.
std::string http_lines_head();
std::string http_line(std::string_view json_text);  // an empty one only says that there is still somebody
// The same as server-sent events, ended the same way: each text is the data of one.
std::string http_events_head();
std::string http_event(std::string_view json_text);
std::string_view http_lines_end();

// Asked once, with the path of a well-formed GET.
using http_get = std::function<http_answer(std::string_view path)>;
// … with the path and the body of a POST.
using http_post = std::function<http_answer(std::string_view path, std::string_view body)>;

// For those who answer at once.
class http_exchange {
public:
    // Without `post` only GET is served.
    explicit http_exchange(http_get answer, http_post post = {});

    // The whole answer once the request is complete or refused; the connection is to be closed after it.
    std::optional<std::string> feed(std::string_view bytes);

    static constexpr std::size_t max_header = http_reader::max_header;
    static constexpr std::size_t max_body = 8 * 1024;

private:
    http_get answer_;
    http_post post_;
    http_reader reader_;
};

// {"error":"...","code":"..."}; without a code it has none.
std::string http_error(std::string_view text, std::string_view code = {});

}  // namespace gateway
