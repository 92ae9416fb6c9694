// Who is where, for the control API: `GET /v1/sessions`, and `GET /v1/sessions/follow`, which tells it again whenever it is
// otherwise. What somebody gets is decided by the policy of that moment.
//
// Followers are looked after together, four times a second and only while there are any. One that does not read is cut off;
// one that may see nothing any more is told so, and ended.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <list>
#include <string>
#include <string_view>

#include "gateway/directory.h"
#include "gateway/endpoints.h"
#include "gateway/http_api.h"
#include "gateway/lifecycle_api.h"
#include "gateway/permissions.h"

namespace gateway {

class sessions_feed {
public:
    // At most so many followers at once, and of one user at most `of_one`.
    sessions_feed(boost::asio::io_context& io, endpoints& components, const permissions& rights, std::size_t followers)
        : components_(components), rights_(rights), most_(followers), timer_(io) {}
    sessions_feed(const sessions_feed&) = delete;
    sessions_feed& operator=(const sessions_feed&) = delete;

    void handle(const caller& who, const http_request& request, api_stream to);
    // The same of all components, with what only the node's administrator sees of people.
    protocol::json of_node() const;
    // All who follow are ended.
    void close();

    static bool serves(std::string_view path) { return path == "/v1/sessions" || follows(path); }
    static bool follows(std::string_view path) { return path == "/v1/sessions/follow"; }
    static constexpr std::size_t of_one = 4;
    static constexpr std::size_t most_unsent = 1u << 20;  // bytes

private:
    struct follower {
        caller who;
        api_stream to;
        std::string told;
    };

    // {"components":[…],"sessions":[…]}; null: the person may see none.
    protocol::json seen_by(const auth::identity& who) const;
    bool tell(follower& one) const;  // false: it is over
    void look();

    endpoints& components_;
    const permissions& rights_;
    const std::size_t most_;
    boost::asio::steady_timer timer_;
    std::list<follower> followers_;
};

}  // namespace gateway
