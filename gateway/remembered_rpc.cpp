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
        one.since = ends_.now();
        if (kept_ + message.size() <= most_remembered) one.text = message;
        if (first_.size() < first_requests) first_.push_back(one);
        ++asked_;
        kept_ += one.size();
        open_.push_back(std::move(one));
        ends_.to_gateway(message);
    }

    void from_gateway(std::string_view message, std::size_t) override {
        const auto id = id_of(message);
        const auto own = std::find(own_open_.begin(), own_open_.end(), id);
        if (own == own_open_.end()) {
            const auto instead = cleared_before(id, message);
            answered(id);
            return ends_.to_ide(instead.empty() ? message : std::string_view(instead));
        }
        own_open_.erase(own);
        // The last one's answer says whether there is a session.
        if (!own_open_.empty() || std::exchange(told_, true)) return;
        const auto reply = protocol::parse_json(message, {.max_depth = 64, .fold_keys = false});
        const auto error = reply ? std::string(reply->get_string("error")) : "its answer makes no sense";
        if (error.empty())
            ends_.rebuilt();
        else
            ends_.not_rebuilt(error);
    }

    std::string passing(std::string_view start, std::size_t) override {
        const auto id = id_of(start);
        if (std::find(own_open_.begin(), own_open_.end(), id) != own_open_.end()) {
            own_open_.clear();
            told_ = true;
            ends_.not_rebuilt(std::string(too_much_answered));
            return {};
        }
        answered(id);
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
            if (own_open_.empty() && !std::exchange(told_, true)) ends_.rebuilt();
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
        std::chrono::system_clock::time_point since{};
        bool asked_again = false;

        std::size_t size() const { return id.size() + method.size() + text.size(); }
    };

    // A halt belongs to a start as its last question only; any other would halt the program once more.
    bool starting() const {
        if (asked_ != first_.size() || first_.empty() || first_.front().method != "RPCServer.SetApiVersion") return false;
        for (std::size_t i = 0; i < first_.size(); ++i) {
            const auto how = first_[i].how;
            const bool looks = how == service::local || how == service::image || how == service::look;
            if (first_[i].text.empty() || !(looks || (how == service::halt && i + 1 == first_requests))) return false;
        }
        return true;
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

    void say(request one) {
        one.asked_again = true;
        kept_ += one.size();
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
        // Toggled twice is not toggled; and a second watchpoint is at another address.
        const bool once = one.method == "RPCServer.ToggleBreakpoint" || one.method == "RPCServer.CreateWatchpoint";
        if (one.how == service::call || one.how == service::restart || once)
            return fail(one, "the gateway was restarted before this was answered; whether it was done is not known");
        if (one.how == service::halt && ends_.now() - one.since > longest_halt_wait) return fail(one, std::string(halt_is_old));
        if (one.text.empty()) return fail(one, "the gateway was restarted before this was answered; ask again");
        say(std::move(one));
    }

    void fail(const request& one, const std::string& why) {
        const auto id = protocol::parse_json(one.id);
        ends_.to_ide(protocol::encode_rpc_error(id ? *id : json(), "delvegate: " + why));
    }

    // That there is none to be cleared any more is what was wanted, when it is asked for the second time.
    std::string cleared_before(std::string_view id, std::string_view message) const {
        const auto at = std::find_if(open_.begin(), open_.end(), [&](const auto& one) { return one.id == id; });
        if (at == open_.end() || !at->asked_again || at->method != "RPCServer.ClearBreakpoint") return {};
        const auto reply = protocol::parse_json(message, {.max_depth = 64, .fold_keys = false});
        if (!reply || reply->get_string("error").find("no breakpoint with ") == std::string_view::npos) return {};
        const auto asked = protocol::parse_rpc_request(at->text);
        if (!asked) return {};
        const auto judged = protocol::judge(*asked);
        json gone = json::object{};
        gone.set("id", judged.arguments.get_int("Id"));
        gone.set("name", judged.arguments.get_string("Name"));
        // Clients print it.
        return "{\"id\":" + at->id + ",\"result\":" + protocol::to_text(json(json::object{{"Breakpoint", std::move(gone)}})) +
               ",\"error\":null}\n";
    }

    void answered(std::string_view id) {
        const auto at = std::find_if(open_.begin(), open_.end(), [&](const auto& one) { return one.id == id; });
        if (at == open_.end()) return;
        kept_ -= at->size();
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
