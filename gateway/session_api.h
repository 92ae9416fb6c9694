// The control API's part for what people do with each other in a session: who has the baton, and what stop is parked.
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

namespace gateway {

class session_api {
public:
    session_api(endpoints& components, const permissions& rights) : components_(components), rights_(rights) {}
    session_api(const session_api&) = delete;
    session_api& operator=(const session_api&) = delete;

    void record_in(audit_trail& trail) { audit_ = &trail; }
    // What has not been done by now is not. Before the audit is closed.
    void close() {
        orders_.clear();
        closed_ = true;
    }

    // GET /v1/components/NAME/baton; POST with {"do":"ask|give|take|drop","to":USER}. GET …/park; POST with {"note":TEXT,"for":
    // "10m"}. POST …/unpark. Judged by the policy of now, recorded, and done as the caller.
    void handle(const caller& who, const http_request& request, api_stream to);
    // The same of the node's administrator, by the status socket: without a body GET's. 202: the launcher is being asked; a GET
    // of the same path is answered 202 until it has been, and then, once, with what came of it.
    http_answer on_node(std::string_view path, std::string_view body);

    static bool serves(std::string_view path) {
        return path.starts_with("/v1/components/") && (path.ends_with("/baton") || path.ends_with("/park") || path.ends_with("/unpark"));
    }

private:
    struct order;
    void go(const std::shared_ptr<order>& one, const std::string& error);
    void act(const order& one, const std::function<void(const http_answer&)>& done);
    void ended(const order& one, const http_answer& answer);

    endpoints& components_;
    const permissions& rights_;
    audit_trail* audit_ = nullptr;
    bool closed_ = false;
    std::list<std::shared_ptr<order>> orders_;  // not done yet
    std::map<std::string, std::optional<http_answer>, std::less<>> asked_on_node_;  // by path: what came of it, once it has
};

}  // namespace gateway
