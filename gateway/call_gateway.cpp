#include "gateway/call_gateway.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <string>
#include <utility>

#include "auth/tls.h"

namespace gateway {

using result = boost::system::result<https_reply, call_failure>;

std::function<void()> call_gateway(boost::asio::io_context& io, const laptop_place& where, https_question question, std::function<void(result)> done) {
    const auto fail = [&](std::string code, std::string text) -> std::function<void()> {
        boost::asio::post(io, [done = std::move(done), why = call_failure{std::move(code), std::move(text), auth::tls_blame::neither}] { done(why); });
        return [] {};
    };
    const auto target = where.find();
    if (!target) return fail(target.error().certificate ? "certificate" : "usage", target.error().text);
    auto made = auth::make_client_context(target->files);
    if (!made) return fail("certificate", made.error());
    const auto context = std::make_shared<auth::ssl_ctx>(std::move(*made));
    question.host = target->host;
    question.port = target->port;
    question.server_name = target->server_name;
    question.via = target->via;
    const std::string name = target->server_name.empty() ? target->host : target->server_name;
    const auto blame = std::make_shared<auth::tls_blame>(auth::tls_blame::neither);
    return https_post(io, std::move(question), context->get(),
               [name, blame, files = target->files](SSL* ssl) {
                   *blame = auth::blame_of_tls_failure(ssl);
                   return auth::explain_tls_failure(ssl, name, files);
               },
               [context, blame, done = std::move(done)](auth::outcome<https_reply> reply) {
                   if (reply) return done(std::move(*reply));
                   done(call_failure{"unreachable", reply.error(), *blame});
               });
}

result call_gateway(const laptop_place& where, https_question question) {
    result answer = call_failure{"unreachable", "the gateway gave no answer", auth::tls_blame::neither};
    boost::asio::io_context io;
    call_gateway(io, where, std::move(question), [&](result said) { answer = std::move(said); });
    io.run();
    return answer;
}

}  // namespace gateway
