// The looks of a DAP view: what is asked of its window, and calls, which run code.
#include "gateway/dap_view.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <charconv>

namespace gateway {

using protocol::json;

namespace {

bool sets_in_topmost_frame(std::string_view version) {
    constexpr int last[] = {1, 27, 1};
    for (const int part : last) {
        int n = 0;
        const auto read = std::from_chars(version.data(), version.data() + version.size(), n);
        if (read.ec != std::errc{}) return true;
        if (n != part) return n < part;
        version.remove_prefix(static_cast<std::size_t>(read.ptr - version.data()));
        if (version.starts_with('.')) version.remove_prefix(1);
    }
    return true;
}

}  // namespace

bool dap_view::stale(const request& r, const json& arguments) {
    auto reference = arguments.get_int("variablesReference");
    auto frame = arguments.get_int("frameId");
    const bool meant = reference > 0 || frame > 0;
    const bool other = meant && (!window_ || blank_);
    if (!other && !(meant && (window_->marks.stale_variable(reference) || window_->marks.stale_frame(frame)))) return false;
    fail(r, unable_to_look, "Unable to process `" + r.command + "`",
         "this reference is of an earlier stop; the program has moved since", false);
    return true;
}

void dap_view::look(const request& r, judged j) {
    if (!attached_) return fail(r, refused_by_gateway_id, "Refused", "attach comes first");
    if (answer_configuration(r, j)) return;
    if (hub_.now() != phase::stopped && answer_without_looking(r)) return;
    if (std::exchange(other_rights_, false) && window_) leave_window();
    if (stale(r, j.arguments)) return;
    busy_ = true;
    keeping_.reset();
    if (paths_.any()) keeping_ = j.operation;
    ask_hub(r, j);
}

void dap_view::ask_hub(const request& r, const judged& j) {
    hub_.look(
        *this,
        guarded([this, r, j] {
            looking_ = true;
            if (j.operation == "evaluate dlv config") change_settings(j);
            with_window([this, r, j](const std::string& error) {
                if (error.empty()) return forward(r, j);
                looking_ = false;
                fail(r, failed_to_attach, "Unable to look at the program", error);
                hub_.end_look(this);
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

void dap_view::forward(const request& r, const judged& j) {
    look_request_ = r;
    const json& arguments = j.arguments;
    paused_ = false;
    if (r.command == "evaluate") {
        const auto text = arguments.get_string("expression");
        labels_shown_ = labels_shown_ || text.find("showPprofLabels") != text.npos ||
                        text.find("goroutineFilters") != text.npos;
    }
    if (r.command == "stackTrace") blank_ = false;
    shared_window::question q;
    q.command = r.command;
    q.arguments = arguments;
    q.shareable = look_answers::shareable(j.operation);
    q.again = guarded([this, r, j] { ask_hub(r, j); });
    q.refused = guarded([this, r](const std::string& why) {
        fail(r, unable_to_look, "Unable to process `" + r.command + "`", why, false);
        done();
    });
    const auto window = window_;
    if (window->look(*this, q, *this)) return;
    // Somebody else has asked for it.
    looking_ = false;
    hub_.end_look(this);
    release();
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
    const auto came = time_histogram::clock::now();
    if (keeping_)
        kept_ += bytes;
    else
        send(bytes);
    if (last) {
        if (keeping_)
            send_kept();
        else
            end_reply();
        look_is_answered(came);
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
    hub_.end_look(this);
    if (std::exchange(tell_again_, false) && configured_ && !terminated_ && hub_.now() == phase::stopped) tell_stop(hub_.last_stop());
    done();
    release();
}

void dap_view::broken(std::string_view reason) {
    kept_.clear();
    busy_ = looking_ = false;
    hub_.end_look(this);
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
    if (const auto why = writes_elsewhere(r, j.arguments)) return fail(r, unable_to_set, "Unable to set variable", *why);
    busy_ = true;
    const auto goroutine = goroutine_of(j.arguments);
    hub_.call(
        *this,
        [self = self(), r, arguments = std::move(j.arguments), goroutine]() -> asio::awaitable<void> {
            // It makes new numbers in this window, and the others are told of a run anyway.
            if (self->window_) self->hub_.windows().keep(*self, *self->window_);
            self->window_stopped_ = false;
            self->calling_ = true;
            // Others wait behind a call, pause must not: it may take long.
            self->done();
            if (goroutine > 0) {
                const std::string command = "{\"name\":\"switchGoroutine\",\"goroutineID\":" + std::to_string(goroutine) + "}";
                const auto chosen = co_await self->hub_.door("RPCServer.Command", command);
                if (!chosen.ok()) {
                    dap_outcome failed;
                    failed.error = chosen.error;
                    self->called_.emplace(r, std::move(failed));
                    co_return;
                }
            }
            auto out = co_await self->ask_window(r.command, arguments);
            // Answered at the stop that the call ends with: an IDE that goes on at once means that one.
            self->called_.emplace(r, std::move(out));
        },
        guarded([this, r](const std::string& why) {
            fail(r, unable_to_look, "Unable to process `" + r.command + "`", why, false);
            done();
        }));
}

// dlv up to 1.27.1 sets, and calls for a string, in the topmost frame of the goroutine that is selected, whatever frame the
// variable is shown in (service/dap/server.go, onSetVariableRequest; go-delve/delve#4419): that could be another of its name.
std::optional<std::string> dap_view::writes_elsewhere(const request& r, const json& arguments) const {
    if (r.command != "setVariable" || !sets_in_topmost_frame(hub_.dlv_version())) return std::nullopt;
    const auto whose = window_ ? window_->owners.of_variable(arguments.get_int("variablesReference")) : std::nullopt;
    if (!whose) return "it is not known whose variable that is; show the scope again that it is in";
    if (whose->frame == 0) return std::nullopt;
    return "this Delve would set what has that name in the topmost frame; only there can variables be set (a newer Delve can)";
}

// Which one dlv is to take for the selected one, when it sets or calls; 0: it is.
std::int64_t dap_view::goroutine_of(const json& arguments) const {
    if (!window_) return 0;
    const auto& owners = window_->owners;
    const auto whose = arguments.find("variablesReference") ? owners.of_variable(arguments.get_int("variablesReference"))
                                                            : owners.of_frame(arguments.get_int("frameId"));
    if (!whose || whose->goroutine == hub_.last_stop().state.goroutine()) return 0;
    return whose->goroutine;
}

void dap_view::answer_call() {
    if (!called_) return;
    const auto [r, out] = *std::exchange(called_, std::nullopt);
    auto* body = out.message.find("body");
    if (body && window_) {
        window_->marks.see(protocol::to_text(*body), false);
        window_->owners.learn(r.command, r.arguments, window_->marks);
        window_->marks.end_of_message();
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

}  // namespace gateway
