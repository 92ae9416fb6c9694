// The control API's part that starts, stops and restores components of kind launcher: judged by the policy of now,
// recorded, then asked of the launcher. docs/api.md has the whole.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/audit_trail.h"
#include "gateway/directory.h"
#include "gateway/endpoints.h"
#include "gateway/http_api.h"
#include "gateway/permissions.h"

namespace gateway {

// An answer that may take its time: one of `answer` (the whole), or `line` any number of times and then `end`. Each may be
// called when nobody listens any more.
struct api_stream {
    std::function<void(const http_answer&)> answer;
    std::function<void(const protocol::json&)> line;  // of a 200, newline-delimited JSON
    std::function<void()> end;
};

class lifecycle_api {
public:
    lifecycle_api(endpoints& components, const permissions& rights) : components_(components), rights_(rights) {}
    // What is still under way is recorded as that: its end is not known here. Before the audit is closed.
    void close();
    lifecycle_api(const lifecycle_api&) = delete;
    lifecycle_api& operator=(const lifecycle_api&) = delete;

    void record_in(audit_trail& trail) { audit_ = &trail; }

    // GET /v1/components/NAME, GET …/NAME/plan, POST …/NAME/{start,stop,restore}. What has been asked of the launcher goes
    // on when the caller is gone, and its outcome is recorded.
    void handle(const caller& who, const http_request& request, api_stream to);

    static bool serves(std::string_view path) { return path.starts_with("/v1/components/"); }

    // Progress beyond so many lines of one order is dropped.
    static constexpr std::size_t max_lines = 2000;

private:
    struct order;
    void act(const std::shared_ptr<order>& one);
    void over(const std::shared_ptr<order>& one, launcher_answer answer);

    endpoints& components_;
    const permissions& rights_;
    audit_trail* audit_ = nullptr;
    std::list<std::shared_ptr<order>> orders_;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
