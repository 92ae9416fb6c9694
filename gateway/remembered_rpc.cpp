// A JSON-RPC client's view. The protocol has nothing but requests and answers, so what waits for an answer is all there is: dlv's
// API has no state for each client, but for the goroutine that a `dlv connect` has selected.
#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/remembered_view.h"
#include "protocol/operations.h"
#include "protocol/rpc.h"

namespace gateway {
namespace {

using protocol::json;
using protocol::service;

// `dlv connect` and GoLand begin with a few questions, in an order by which the gateway knows a client that starts (rpc_view.h).
constexpr std::size_t first_requests = 4;

// The id of a reply, as text; empty: it has none at its beginning.
std::string_view id_of(std::string_view reply) {
    constexpr std::string_view head = "{\"id\":";
    if (!reply.starts_with(head)) return {};
    reply.remove_prefix(head.size());
    std::size_t end = 0;
    if (reply.starts_with('"')) {
        for (end = 1; end < reply.size() && reply[end] != '"'; ++end)
            if (reply[end] == '\\') ++end;
        ++end;
    } else {
        end = reply.find_first_of(",}");
    }
    return end < reply.size() ? reply.substr(0, end) : std::string_view();
}

class remembered_rpc final : public remembered_view {
public:
    explicit remembered_rpc(view_ends& ends) : ends_(ends) {}

    void from_ide(std::string_view message, std::size_t) override {
        auto parsed = protocol::parse_rpc_request(message);
        // White space, or what the gateway finds fault with.
        if (!parsed) return ends_.to_gateway(message);
        request one;
        one.how = protocol::judge(*parsed).how;
        one.id = protocol::to_text(parsed->id);
        one.method = std::move(parsed->method);
        if (kept_ + message.size() <= most_remembered) one.text = message;
        if (first_.size() < first_requests) first_.push_back(one);
        ++asked_;
        kept_ += one.text.size();
        open_.push_back(std::move(one));
        ends_.to_gateway(message);
    }

    void from_gateway(std::string_view message, std::size_t) override {
        const auto id = id_of(message);
        const auto own = std::find(own_open_.begin(), own_open_.end(), id);
        if (own == own_open_.end()) {
            answered(id);
            return ends_.to_ide(message);
        }
        own_open_.erase(own);
        if (std::exchange(told_, true)) return;
        const auto reply = protocol::parse_json(message, {.max_depth = 64, .fold_keys = false});
        const auto error = reply ? std::string(reply->get_string("error")) : "its answer makes no sense";
        if (error.empty())
            ends_.rebuilt();
        else
            ends_.not_rebuilt(error);
    }

    std::string passing(std::string_view start, std::size_t) override {
        answered(id_of(start));
        return std::string(start);
    }

    void begin_again() override {
        told_ = false;
        own_open_.clear();
        const auto open = std::exchange(open_, {});
        kept_ = 0;
        // One that has hardly begun begins again, so that it is known as one that starts; what it has been answered is not answered twice.
        if (starting()) {
            for (const auto& one : first_) {
                const auto waits = std::find_if(open.begin(), open.end(), [&](const auto& o) { return o.id == one.id; });
                if (waits != open.end())
                    say(*waits);
                else
                    say_as_own(one.text);
            }
            if (own_open_.empty()) ends_.rebuilt();
            return;
        }
        // By its answer it is known that there is a session. It changes nothing, and is not one of those with which clients start.
        ends_.to_gateway(protocol::encode(protocol::rpc_request{next_own(), "RPCServer.Recorded", json(json::object{})}));
        // A stop that is told as a State's answer is one that the client does not know yet: its looks mean the one before, and
        // come first.
        for (const bool waits : {false, true})
            for (const auto& one : open)
                if ((one.how == service::run || one.method == "RPCServer.State") == waits) ask_again(one);
    }

    void end(std::string_view reason) override {
        for (const auto& one : std::exchange(open_, {})) fail(one, std::string(reason));
        kept_ = 0;
    }

    std::string hindrance() const override { return {}; }
    std::size_t kept() const override { return kept_; }

private:
    struct request {
        service how = service::refuse;
        std::string id;  // as text
        std::string method;
        std::string text;  // empty: it was too much to be kept
    };

    bool starting() const {
        return asked_ == first_.size() && !first_.empty() && first_.front().method == "RPCServer.SetApiVersion" &&
               std::all_of(first_.begin(), first_.end(), [](const auto& one) {
                   return !one.text.empty() && (one.how == service::local || one.how == service::image || one.how == service::look ||
                                                one.how == service::halt);
               });
    }

    json next_own() {
        json id("delvegate:" + std::to_string(++own_));
        own_open_.push_back(protocol::to_text(id));
        return id;
    }

    void say_as_own(const std::string& text) {
        auto parsed = protocol::parse_rpc_request(text);
        if (!parsed) return;
        parsed->id = next_own();
        ends_.to_gateway(protocol::encode(*parsed));
    }

    void say(const request& one) {
        kept_ += one.text.size();
        open_.push_back(one);
        ends_.to_gateway(one.text);
    }

    void ask_again(request one) {
        const bool command = one.method == "RPCServer.Command";
        if (one.how == service::run || (one.how == service::call && command)) {
            // Where the program stands is its answer, now or when it stands; that of State has the same form.
            one.text = "{\"method\":\"RPCServer.State\",\"params\":[{\"NonBlocking\":false}],\"id\":" + one.id + "}\n";
            one.method = "RPCServer.State";
            one.how = service::local;
            return say(one);
        }
        if (one.how == service::call || one.how == service::restart)
            return fail(one, "the gateway was restarted before this was answered; whether it was done is not known");
        if (one.text.empty()) return fail(one, "the gateway was restarted before this was answered; ask again");
        say(one);
    }

    void fail(const request& one, const std::string& why) {
        const auto id = protocol::parse_json(one.id);
        ends_.to_ide(protocol::encode_rpc_error(id ? *id : json(), "delvegate: " + why));
    }

    void answered(std::string_view id) {
        const auto at = std::find_if(open_.begin(), open_.end(), [&](const auto& one) { return one.id == id; });
        if (at == open_.end()) return;
        kept_ -= at->text.size();
        open_.erase(at);
    }

    view_ends& ends_;
    std::vector<request> open_, first_;
    std::vector<std::string> own_open_;  // ids of requests of ours without an answer
    std::size_t asked_ = 0;
    std::size_t kept_ = 0;
    std::uint64_t own_ = 0;
    bool told_ = true;  // whether it is rebuilt
};

}  // namespace

std::unique_ptr<remembered_view> remember_rpc(view_ends& ends) { return std::make_unique<remembered_rpc>(ends); }

}  // namespace gateway
