// Who is where, for the control API: `GET /v1/sessions`, and `GET /v1/sessions/follow`, which tells it again whenever it is
// otherwise; `GET /v1/events` for the web page, with more of each component (page_view.h) and the audit as it grows. What somebody
// gets is decided by the policy of that moment.
//
// Followers are looked after together, four times a second and only while there are any. One that does not read is cut off;
// one that may see nothing any more is told so, and ended.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/audit_trail.h"
#include "gateway/directory.h"
#include "gateway/endpoints.h"
#include "gateway/http_api.h"
#include "gateway/lifecycle_api.h"
#include "gateway/limits.h"
#include "gateway/permissions.h"
#include "gateway/time_left.h"

namespace gateway {

class sessions_feed {
public:
    // At most bounds.followers at once, bounds.followers_per_user of one user; who is turned away for that is counted in `refused`.
    // All but `io` outlive this.
    sessions_feed(boost::asio::io_context& io, endpoints& components, const permissions& rights, const limits& bounds, std::uint64_t& refused)
        : components_(components), rights_(rights), bounds_(bounds), refused_(refused), timer_(io) {}
    sessions_feed(const sessions_feed&) = delete;
    sessions_feed& operator=(const sessions_feed&) = delete;

    void handle(const caller& who, const http_request& request, api_stream to);
    // The same of all components, with what only the node's administrator sees of people.
    protocol::json of_node() const;
    // A record of the audit, for those of /v1/events who may see it: of a component whoever has `lifecycle` there, of the gateway itself
    // whoever has it at every component (page_view.h). The last `records_kept` are told to whoever comes.
    void recorded(const audit_glimpse& record);
    // The gateway's own as it is shown to clients now, which pages are told of.
    std::function<std::optional<lifetime>()> own_certificate;
    // All who follow are ended.
    void close();

    static bool serves(std::string_view path) { return path == "/v1/sessions" || follows(path); }
    static bool follows(std::string_view path) { return path == "/v1/sessions/follow" || is_for_pages(path); }
    static bool is_for_pages(std::string_view path) { return path == "/v1/events"; }
    static constexpr std::size_t most_unsent = 1u << 20;  // bytes
    static constexpr std::size_t records_kept = 200;

private:
    struct follower {
        caller who;
        api_stream to;
        std::string told;
        bool page = false;              // of /v1/events
        std::uint64_t records_told = 0;  // their number
    };
    struct kept_record {
        std::uint64_t number = 0;
        std::string component;
        protocol::json text;
    };

    // {"components":[…],"sessions":[…]}; null: the person may see none.
    protocol::json seen_by(const auth::identity& who) const;
    bool tell(follower& one) const;  // false: it is over
    void tell_records(follower& one) const;
    void look();
    void look_at_some(std::size_t left);

    endpoints& components_;
    const permissions& rights_;
    const limits& bounds_;
    std::uint64_t& refused_;
    boost::asio::steady_timer timer_;
    std::list<follower> followers_;
    std::deque<kept_record> records_;
    std::uint64_t recorded_ = 0;
};

}  // namespace gateway
