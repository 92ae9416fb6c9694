// A connection to a component's dlv, from the launcher.
#include <boost/asio/steady_timer.hpp>

#include <utility>

#include "gateway/launcher_client.h"

namespace gateway {

using error_code = boost::system::error_code;
using launcher::launcher_verb;

namespace {

constexpr std::chrono::milliseconds dial_pause{200};

}  // namespace

void launcher_client::dial(const std::string& component, const std::string& session, dialled done) {
    dial_until(component, session, std::move(done), std::chrono::steady_clock::now() + dial_patience);
}

void launcher_client::dial_until(std::string component, std::string session, dialled done, std::chrono::steady_clock::time_point end) {
    launcher::launcher_request request;
    request.verb = launcher_verb::dial;
    request.component = component;
    request.session = session;
    ask(std::move(request), [this, done = std::move(done), component, session, end, alive = std::weak_ptr<char>(alive_)](launcher_answer answer) {
        using result = launcher::outcome<launcher::unique_fd>;
        if (alive.expired()) return;
        if (answer.failed && answer.failed->code == "unreachable" && std::chrono::steady_clock::now() < end) {
            auto pause = std::make_shared<boost::asio::steady_timer>(io_, dial_pause);
            pause->async_wait([this, pause, done, component, session, end, alive](const error_code& ec) {
                if (!ec && !alive.expired()) dial_until(component, session, done, end);
            });
            return;
        }
        if (answer.failed)
            return done(result(boost::system::in_place_error, "no connection to the dlv of " + component + ": " + answer.failed->text));
        done(result(boost::system::in_place_value, std::move(answer.descriptor)));
    });
}

upstream_route launcher_client::route(const std::string& component, const std::string& session) {
    return {"the launcher", [this, component, session, alive = std::weak_ptr<char>(alive_)](dialled done) {
                if (!alive.expired()) dial(component, session, std::move(done));
            }};
}

}  // namespace gateway
