// The control API's part for what people do with each other in a session: who is where and has the baton, what stop is parked,
// and which breakpoints stay.
// docs/api.md has the whole.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/audit_trail.h"
#include "gateway/directory.h"
#include "gateway/endpoints.h"
#include "gateway/http_api.h"
#include "gateway/lifecycle_api.h"
#include "gateway/permissions.h"
#include "gateway/sessions_feed.h"

namespace gateway {

class session_api {
public:
    session_api(boost::asio::io_context& io, endpoints& components, const permissions& rights, const limits& bounds, std::uint64_t& refused)
        : components_(components), rights_(rights), feed_(io, components, rights, bounds, refused) {}
    session_api(const session_api&) = delete;
    session_api& operator=(const session_api&) = delete;

    void record_in(audit_trail& trail) {
        audit_ = &trail;
        trail.on_record = [this](const audit_glimpse& one) { feed_.recorded(one); };
    }
    // What own_certificate of sessions_feed.h is to ask.
    void show_certificate(std::function<std::optional<lifetime>()> of_now) { feed_.own_certificate = std::move(of_now); }
    // What has not been done by now is not. Before the audit is closed.
    void close() {
        orders_.clear();
        feed_.close();
        closed_ = true;
    }

    // GET /v1/components/NAME/baton; POST with {"do":"ask|give|take|drop","to":USER}. GET …/park; POST with {"note":TEXT,"for":
    // "10m"}. POST …/unpark. GET …/pin; POST …/pin and …/unpin with {"at":["main.go:42"],"breakpoints":[3]}. Judged by the policy
    // of now, recorded, and done as the caller. POST /v1/sessions/ID/kill, with {"reason":TEXT} or nothing, ends somebody's IDE
    // connection at once. GET /v1/sessions, /v1/sessions/follow and /v1/events (sessions_feed.h).
    void handle(const caller& who, const http_request& request, api_stream to);
    // The same of the node's administrator, by the status socket: without a body GET's. 202: the launcher is being asked; a GET
    // of the same path is answered 202 until it has been, and then, once, with what came of it.
    http_answer on_node(std::string_view path, std::string_view body);

    static bool serves(std::string_view path) {
        const auto of_component = [&](std::string_view what) { return path.starts_with("/v1/components/") && path.ends_with(what); };
        return sessions_feed::serves(path) || of_component("/baton") || of_component("/park") || of_component("/unpark") ||
               of_component("/pin") || of_component("/unpin") || is_kill(path);
    }

    // POST /v1/sessions/ID/kill; the node's own /v1/sessions/kill is another one (kill_sessions.h).
    static bool is_kill(std::string_view path) {
        constexpr std::string_view before = "/v1/sessions/", after = "/kill";
        return path.size() > before.size() + after.size() && path.starts_with(before) && path.ends_with(after);
    }

private:
    struct order;
    void go(const std::shared_ptr<order>& one, const std::string& error);
    void act(const order& one, const std::function<void(const http_answer&)>& done);
    void ended(const order& one, const http_answer& answer);

    endpoints& components_;
    const permissions& rights_;
    audit_trail* audit_ = nullptr;
    sessions_feed feed_;
    bool closed_ = false;
    std::list<std::shared_ptr<order>> orders_;  // not done yet
    std::map<std::string, std::optional<http_answer>, std::less<>> asked_on_node_;  // by path: what came of it, once it has
};

}  // namespace gateway
