#include "gateway/http_api.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cstdio>
#include <ctime>
#include <sstream>
#include <utility>

#include "protocol/json.h"

namespace gateway {

namespace http = boost::beast::http;

std::string http_error(std::string_view text, std::string_view code) {
    protocol::json body;
    body.set("error", text);
    if (!code.empty()) body.set("code", code);
    return protocol::to_text(body);
}

struct http_reader::impl {
    http::request_parser<http::string_body> parser;
    std::string pending;
    std::size_t max_body = 0;
    std::function<bool(const std::string&)> ours;

    // Of a page that this server has given out itself. A form or an image of another page's cannot have the header of our own.
    bool of_our_page() const {
        const auto& request = parser.get();
        const auto only = [&request](const auto& name) -> std::string {
            return request.count(name) == 1 ? std::string(request[name]) : std::string();
        };
        const auto host = only(http::field::host);
        if (!ours || host.empty() || only(http::field::origin) != "https://" + host || only("Sec-Fetch-Site") != "same-origin" ||
            only("X-Delvegate") != "1")
            return false;
        const auto port = host.find(':', host.front() == '[' ? host.find(']') : 0);
        auto name = host.substr(0, port);
        if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
        return ours(name);
    }
};

http_reader::http_reader(std::size_t max_body, std::function<bool(const std::string& host)> ours) : impl_(std::make_unique<impl>()) {
    impl_->max_body = max_body;
    impl_->ours = std::move(ours);
    impl_->parser.header_limit(max_header);
    impl_->parser.body_limit(max_body);
    impl_->parser.eager(true);
}

http_reader::~http_reader() = default;

std::optional<std::variant<http_request, http_answer>> http_reader::feed(std::string_view bytes) {
    auto& parser = impl_->parser;
    auto& pending = impl_->pending;
    pending.append(bytes);
    boost::system::error_code ec;
    while (!parser.is_done() && !pending.empty()) {
        const std::size_t used = parser.put(boost::asio::buffer(pending), ec);
        pending.erase(0, used);
        if (ec || used == 0) break;
    }
    const auto refused = [](unsigned status, const std::string& text) { return http_answer{status, http_error(text)}; };
    if (ec == http::error::body_limit) return refused(413, "the request's body is too large");
    if (ec == http::error::header_limit || (!parser.is_header_done() && pending.size() > max_header))
        return refused(431, "the request's header is too large");
    if (ec && ec != http::error::need_more) return refused(400, "not an HTTP/1.1 request: " + ec.message());
    // Lengths are told beforehand: there is one way to read them.
    if (parser.is_header_done() && parser.chunked()) return refused(411, "the request's body needs a Content-Length");
    if (!parser.is_done()) return std::nullopt;
    auto& request = parser.get();
    const std::string_view target(request.target().data(), request.target().size());
    if (request.method() == http::verb::get && !request.body().empty()) return refused(400, "a GET has no body");
    // A page in a browser that shows its owner's certificate is not its owner.
    const auto site = request["Sec-Fetch-Site"];
    const bool of_a_page = request.find(http::field::origin) != request.end() || (!site.empty() && site != "same-origin" && site != "none");
    // Nor does another site's page use up what its owner may follow; a link to our page is theirs to click. A frame navigates, too.
    const bool link = request["Sec-Fetch-Mode"] == "navigate" && request["Sec-Fetch-Dest"] == "document" && target.substr(0, target.find('?')) == "/";
    if (request.method() == http::verb::get && of_a_page && !link && !site.empty() && site != "same-origin")
        return refused(403, "another site's page is shown nothing");
    if (request.method() != http::verb::get && of_a_page && !impl_->of_our_page())
        return refused(403, "nothing is changed at the word of a web page but the gateway's own (the request has Origin, or comes from another site)");
    return http_request{std::string(request.method_string()), std::string(target.substr(0, target.find('?'))),
                        std::move(request.body()), std::string(request[http::field::host])};
}

namespace {

// Nothing but our own page is shown, framed, sent on or guessed to be something else, whatever an answer has in it.
constexpr std::pair<std::string_view, std::string_view> in_a_browser[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
     "base-uri 'none'; form-action 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
};

// "Fri, 27 Nov 2026 02:10:00 GMT", whatever the locale.
std::string http_date(std::time_t now) {
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    char text[64];
    std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon],
                  utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    return text;
}

}  // namespace

std::string http_text(const http_answer& said, bool signed_off) {
    http::response<http::string_body> response(static_cast<http::status>(said.status), 11);
    if (signed_off) response.set(http::field::server, "delvegate/" DELVEGATE_VERSION);
    if (signed_off) response.set(http::field::date, http_date(std::time(nullptr)));
    if (!said.body.empty()) response.set(http::field::content_type, said.type);
    // A port that says who serves to nobody has nothing for browsers.
    if (signed_off)
        for (const auto& [name, value] : in_a_browser) response.set(name, value);
    response.set(http::field::cache_control, "no-store");
    if (said.status == 405) response.set(http::field::allow, said.allow);
    response.keep_alive(false);
    response.body() = said.body;
    response.prepare_payload();
    std::ostringstream text;
    text << response;
    return text.str();
}

namespace {

std::string endless_head(std::string_view type) {
    std::string out = "HTTP/1.1 200 OK\r\nServer: delvegate/" DELVEGATE_VERSION "\r\nContent-Type: " + std::string(type) +
                      "\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n";
    for (const auto& [name, value] : in_a_browser) out += std::string(name) + ": " + std::string(value) + "\r\n";
    return out + "\r\n";
}

}  // namespace

std::string http_lines_head() { return endless_head("application/x-ndjson"); }
std::string http_events_head() { return endless_head("text/event-stream"); }

// A line beginning with a colon is a comment.
std::string http_event(std::string_view json_text) {
    return http_line(json_text.empty() ? std::string(":\n") : "data: " + std::string(json_text) + "\n");
}

std::string http_line(std::string_view json_text) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string size;
    for (auto left = json_text.size() + 1; left > 0; left >>= 4) size.insert(size.begin(), digits[left & 15]);
    return size + "\r\n" + std::string(json_text) + "\n\r\n";
}

std::string_view http_lines_end() { return "0\r\n\r\n"; }

http_exchange::http_exchange(http_get answer, http_post post)
    : answer_(std::move(answer)), post_(std::move(post)), reader_(post_ ? max_body : 0) {}

std::optional<std::string> http_exchange::feed(std::string_view bytes) {
    auto got = reader_.feed(bytes);
    if (!got) return std::nullopt;
    if (const auto* refused = std::get_if<http_answer>(&*got)) return http_text(*refused);
    const auto& request = std::get<http_request>(*got);
    if (request.method == "POST" && post_) return http_text(post_(request.path, request.body));
    if (request.method != "GET" && post_)
        return http_text({405, http_error("only GET and POST are served here"), "GET, POST"});
    if (request.method != "GET") return http_text({405, http_error("only GET is served here")});
    return http_text(answer_(request.path));
}

}  // namespace gateway
