// The control API's part that starts, stops and restores components of kind launcher: judged by the policy of now,
// recorded, then asked of the launcher. docs/api.md has the whole.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

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
    // Given, once, what is to be called with the reason when the caller is shown out.
    std::function<void(std::function<void(std::string_view)>)> shown_out;
    // Of an answer in lines that may go on for ever: whether somebody listens, how many bytes wait to be sent, and the end of
    // it for whoever does not read.
    std::function<bool()> listening{};
    std::function<std::size_t()> unsent{};
    std::function<void()> cut{};
};

class lifecycle_api {
public:
    // `fault`: why an identity is not good any more (authority.h); empty: it is.
    lifecycle_api(boost::asio::io_context& io, endpoints& components, const permissions& rights,
                  std::function<std::string(const auth::identity&)> fault)
        : components_(components), rights_(rights), fault_(std::move(fault)), look_(io) {}
    // What is still under way is recorded as that: its end is not known here. Before the audit is closed.
    void close();
    lifecycle_api(const lifecycle_api&) = delete;
    lifecycle_api& operator=(const lifecycle_api&) = delete;

    void record_in(audit_trail& trail) { audit_ = &trail; }

    // GET /v1/components/NAME, GET …/NAME/plan, POST …/NAME/{start,stop,restore}. What the launcher has begun goes on when
    // the caller is gone, and its outcome is recorded. What it has not begun is judged again and again, and taken back
    // when the caller may not any more.
    void handle(const caller& who, const http_request& request, api_stream to);

    static bool serves(std::string_view path) { return path.starts_with("/v1/components/"); }

    // Progress beyond so many lines of one order is dropped.
    static constexpr std::size_t max_lines = 2000;

private:
    struct order;
    static constexpr std::chrono::milliseconds look_again{500};
    std::string judged_now(const order& one) const;
    void look();
    void act(const std::shared_ptr<order>& one);
    void over(const std::shared_ptr<order>& one, launcher_answer answer);

    endpoints& components_;
    const permissions& rights_;
    const std::function<std::string(const auth::identity&)> fault_;
    boost::asio::steady_timer look_;
    bool looking_ = false;
    audit_trail* audit_ = nullptr;
    std::list<std::shared_ptr<order>> orders_;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
