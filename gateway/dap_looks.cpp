// The looks of a DAP view: what is asked of its window, and calls, which run code.
#include "gateway/dap_view.h"

#include <boost/asio/post.hpp>

#include <algorithm>

#include "gateway/await.h"

namespace gateway {

using protocol::json;

bool dap_view::stale(const request& r, const json& arguments) {
    auto reference = arguments.get_int("variablesReference");
    auto frame = arguments.get_int("frameId");
    if (!marks_.stale_variable(reference) && !marks_.stale_frame(frame)) return false;
    fail(r, unable_to_look, "Unable to process `" + r.command + "`",
         "this reference is of an earlier stop; the program has moved since", false);
    return true;
}

void dap_view::look(const request& r, judged j) {
    if (!attached_) return fail(r, refused_by_gateway_id, "Refused", "attach comes first");
    if (answer_configuration(r, j)) return;
    if (hub_.now() != phase::stopped && answer_without_looking(r)) return;
    if (stale(r, j.arguments)) return;
    busy_ = true;
    keeping_.reset();
    if (paths_.any()) keeping_ = j.operation;
    hub_.look(
        *this,
        guarded([this, r, arguments = j.arguments] {
            looking_ = true;
            with_window([this, r, arguments](const std::string& error) {
                if (error.empty()) return forward(r, arguments);
                looking_ = false;
                fail(r, failed_to_attach, "Unable to look at the program", error);
                hub_.end_look();
                done();
                release();
            });
        }),
        guarded([this, r](const std::string& why) {
            if (!answer_without_looking(r))
                fail(r, unable_to_look, "Unable to process `" + r.command + "`", why, false);
            done();
        }));
}

// Delve's own answers while it cannot look (service/dap/server.go, onThreadsRequest).
bool dap_view::answer_without_looking(const request& r) {
    const bool running = hub_.now() == phase::running;
    if (r.command == "threads") {
        json thread = json::object{};
        thread.set("id", running ? -1 : 1);
        thread.set("name", running ? "Current" : "Dummy");
        json body = json::object{};
        body.set("threads", json::array{std::move(thread)});
        respond(r, body);
        return true;
    }
    if (running) fail_running(r);
    return running;
}

void dap_view::forward(const request& r, json arguments) {
    look_request_ = r;
    paused_ = false;
    if (r.command == "evaluate") {
        const auto text = arguments.get_string("expression");
        labels_shown_ = labels_shown_ || text.find("showPprofLabels") != text.npos ||
                        text.find("goroutineFilters") != text.npos;
    }
    window_->stream(r.command, std::move(arguments), *this);
}

// Path rules are ours: the window has none, and learns of none.
bool dap_view::answer_configuration(const request& r, const judged& j) {
    const auto done_here = paths_.configure(j);
    if (!done_here) return false;
    constexpr int unable_to_run_command = 2015;
    if (!done_here->error.empty()) return fail(r, unable_to_run_command, "Unable to run dlv command", done_here->error, false), true;
    json body = json::object{};
    body.set("result", done_here->result);
    body.set("variablesReference", 0);
    respond(r, body);
    return true;
}

bool dap_view::begin(std::uint64_t rest) {
    // The length comes first, so what will have another one is kept: lists of places and what failed, which are small
    // beside the values that pass.
    constexpr std::uint64_t failure_size = 64u << 10;
    if (keeping_ && rest > failure_size && !paths_.in_replies_to(*keeping_)) keeping_.reset();
    std::string head = "{\"seq\":" + std::to_string(next_seq_) +
                       ",\"type\":\"response\",\"request_seq\":" + std::to_string(look_request_.seq);
    head = "Content-Length: " + std::to_string(head.size() + rest) + "\r\n\r\n" + head;
    if (head.size() + rest > limits_.dap_reply) {
        fail_large(look_request_);
        end_look();
        return false;
    }
    if (keeping_ && rest > most_kept()) {
        fail_kept();
        end_look();
        return false;
    }
    if (keeping_) return true;
    look_audited_ = take_open(look_request_.seq);
    ++next_seq_;
    begin_reply();
    send(head);
    return true;
}

bool dap_view::piece(std::string_view bytes, bool last) {
    marks_.see(bytes, look_request_.command == "stackTrace");
    if (keeping_)
        kept_ += bytes;
    else
        send(bytes);
    if (last) {
        marks_.end_of_message();
        if (keeping_)
            send_kept();
        else
            end_reply();
        end_look();
        return true;
    }
    paused_ = has_to_wait();
    return !paused_;
}

void dap_view::send_kept() {
    const auto rest = paths_.dap_reply(*std::exchange(keeping_, std::nullopt), std::exchange(kept_, {}), most_kept());
    const auto head = "{\"seq\":" + std::to_string(next_seq_) +
                      ",\"type\":\"response\",\"request_seq\":" + std::to_string(look_request_.seq);
    if (head.size() + rest.size() > limits_.dap_reply) return fail_large(look_request_);
    if (rest.size() > most_kept()) return fail_kept();
    look_audited_ = take_open(look_request_.seq);
    ++next_seq_;
    post(protocol::frame(head + rest));
}

// It is there twice, and waits as a whole for an IDE to read it.
std::size_t dap_view::most_kept() const { return std::min<std::size_t>(64u << 20, limits_.buffer) / 2; }

void dap_view::fail_kept() {
    if (limits_.refused_replies) ++*limits_.refused_replies;
    fail(look_request_, unable_to_look, "Unable to process `" + look_request_.command + "`",
         "dlv's answer is larger than " + format_size(most_kept()) +
             ", beyond which its paths cannot be made those of the IDE; ask for less at once");
}

void dap_view::end_look() {
    audit_.outcome(std::exchange(look_audited_, {}), "answered");
    looking_ = false;
    hub_.end_look();
    done();
    release();
}

void dap_view::broken(std::string_view reason) {
    kept_.clear();
    busy_ = looking_ = false;
    hub_.end_look();
    if (!broken_reply(reason)) fail(look_request_, unable_to_look, "Unable to look at the program", reason);
    release();
}

// A view whose IDE is gone ends with its last look; not from inside the window's call.
void dap_view::release() {
    if (until_looked_) asio::post(hub_.context(), [last = std::exchange(until_looked_, nullptr)] {});
}

void dap_view::writable() {
    if (!paused_) return;
    paused_ = false;
    if (window_) window_->resume();
}

// --- what runs code or writes ---------------------------------------------------------------------------

void dap_view::call(const request& r, judged j) {
    if (!attached_) return fail(r, refused_by_gateway_id, "Refused", "attach comes first");
    if (hub_.now() == phase::running) return fail_running(r);
    if (stale(r, j.arguments)) return;
    busy_ = true;
    hub_.call(
        *this,
        [self = self(), r, arguments = std::move(j.arguments)]() -> asio::awaitable<void> {
            self->window_stopped_ = false;
            self->calling_ = true;
            // Others wait behind a call, pause must not: it may take long.
            self->done();
            auto out = co_await self->ask_window(r.command, arguments);
            // Answered at the stop that the call ends with: an IDE that goes on at once means that one.
            self->called_.emplace(r, std::move(out));
        },
        guarded([this, r](const std::string& why) {
            fail(r, unable_to_look, "Unable to process `" + r.command + "`", why, false);
            done();
        }));
}

void dap_view::answer_call() {
    if (!called_) return;
    const auto [r, out] = *std::exchange(called_, std::nullopt);
    auto* body = out.message.find("body");
    if (body) {
        marks_.see(protocol::to_text(*body), false);
        marks_.end_of_message();
    }
    if (out.success) return respond(r, body ? *body : json{});
    // Delve's own words and flags.
    auto* error = body ? body->find("error") : nullptr;
    auto summary = out.message.get_string("message", "Unable to process `" + r.command + "`");
    std::string_view text = out.error;
    if (text.starts_with(summary) && text.size() > summary.size() + 2) text.remove_prefix(summary.size() + 2);
    fail(r, error ? static_cast<int>(error->get_int("id")) : unable_to_look, summary, text,
         error && error->get_bool("showUser"));
}

// --- the window ---------------------------------------------------------------------------------------------

void dap_view::open_window() {
    window_ = std::make_unique<dap_window>(
        hub_.context(), hub_.route(),
        dap_window::handlers{
            .event = [this](std::string_view name, const json& body) { window_event(name, body); },
            .closed =
                [this](std::string reason) {
                    if (over_ || terminated_) return;
                    console("delvegate: dlv closed this session's window: " + reason);
                    event("terminated", {});
                    terminated_ = true;
                    finish();
                }});
}

void dap_view::with_window(std::function<void(std::string)> go) {
    if (window_attached_) return go({});
    window_->call("attach", attach_arguments_, [this, go = std::move(go)](dap_outcome out) {
        window_attached_ = out.success;
        go(out.success ? std::string{} : out.error);
    });
}

asio::awaitable<dap_outcome> dap_view::ask_window(std::string command, json arguments) {
    if (!window_attached_) {
        auto out = co_await await_callback<dap_outcome>(
            [this](auto done) { window_->call("attach", attach_arguments_, std::move(done)); });
        if (!out.success) co_return out;
        window_attached_ = true;
    }
    // By reference, which live as long as this coroutine: what a closure within a co_await expression
    // holds by value, g++ 12 copies bit by bit and destroys twice.
    co_return co_await await_callback<dap_outcome>([this, &command, &arguments](auto done) {
        window_->call(std::move(command), std::move(arguments), std::move(done));
    });
}

void dap_view::window_event(std::string_view name, const json& body) {
    if (name == "stopped") window_stopped_ = true;
    if (name != "output" && name != "invalidated" && name != "memory") return;
    if (protocol::to_text(body).size() > limits_.dap_reply)
        return console("delvegate: " + too_large("an event of dlv's", "dapReply", limits_.dap_reply));
    event(name, body);
}

}  // namespace gateway
