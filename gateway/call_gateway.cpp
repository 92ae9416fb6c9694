#include "gateway/call_gateway.h"

#include <boost/asio/io_context.hpp>

#include <utility>

#include "auth/tls.h"

namespace gateway {

boost::system::result<https_reply, call_failure> call_gateway(const laptop_place& where, https_question question) {
    const auto target = where.find();
    if (!target) return call_failure{target.error().certificate ? "certificate" : "usage", target.error().text};
    const auto context = auth::make_client_context(target->files);
    if (!context) return call_failure{"certificate", context.error()};
    question.host = target->host;
    question.port = target->port;
    question.server_name = target->server_name;
    question.via = target->via;
    boost::system::result<https_reply, call_failure> answer = call_failure{"unreachable", "the gateway gave no answer"};
    boost::asio::io_context io;
    const std::string name = target->server_name.empty() ? target->host : target->server_name;
    https_post(io, std::move(question), context->get(),
               [name, files = target->files](SSL* ssl) { return auth::explain_tls_failure(ssl, name, files); },
               [&](auth::outcome<https_reply> reply) {
                   if (reply)
                       answer = std::move(*reply);
                   else
                       answer = call_failure{"unreachable", reply.error()};
               });
    io.run();
    return answer;
}

}  // namespace gateway
