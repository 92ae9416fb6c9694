#include "gateway/http_api.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>
#include <utility>

#include "protocol/json.h"

namespace gateway {

namespace http = boost::beast::http;

std::string http_error(std::string_view text) {
    protocol::json body;
    body.set("error", text);
    return protocol::to_text(body);
}

struct http_exchange::impl {
    std::function<http_answer(std::string_view)> answer;
    http::request_parser<http::empty_body> parser;
    std::string pending;

    http_answer respond() const {
        const auto& request = parser.get();
        if (request.method() != http::verb::get) return {405, http_error("only GET is served here")};
        const std::string_view target(request.target().data(), request.target().size());
        return answer(target.substr(0, target.find('?')));
    }
};

http_exchange::http_exchange(std::function<http_answer(std::string_view)> answer)
    : impl_(std::make_unique<impl>()) {
    impl_->answer = std::move(answer);
    impl_->parser.header_limit(max_header);
    impl_->parser.body_limit(0);
}

http_exchange::~http_exchange() = default;

std::optional<std::string> http_exchange::feed(std::string_view bytes) {
    impl_->pending.append(bytes);
    boost::system::error_code ec;
    while (!impl_->parser.is_done()) {
        const std::size_t used = impl_->parser.put(boost::asio::buffer(impl_->pending), ec);
        impl_->pending.erase(0, used);
        if (ec || used == 0) break;
    }
    http_answer said;
    if (ec == http::error::need_more && impl_->pending.size() <= max_header)
        return std::nullopt;
    if (ec == http::error::header_limit || impl_->pending.size() > max_header)
        said = {431, http_error("the request's header is too large")};
    else if (ec)
        said = {400, http_error("not an HTTP/1.1 request: " + ec.message())};
    else if (!impl_->parser.is_done())
        return std::nullopt;
    else
        said = impl_->respond();

    http::response<http::string_body> response(static_cast<http::status>(said.status), 11);
    response.set(http::field::server, "delvegate/" DELVEGATE_VERSION);
    response.set(http::field::content_type, "application/json");
    response.set(http::field::cache_control, "no-store");
    if (said.status == 405) response.set(http::field::allow, "GET");
    response.keep_alive(false);
    response.body() = std::move(said.body);
    response.prepare_payload();
    std::ostringstream text;
    text << response;
    return text.str();
}

}  // namespace gateway
