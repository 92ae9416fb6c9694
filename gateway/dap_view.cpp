#include "gateway/dap_view.h"

#include <boost/asio/post.hpp>

#include <algorithm>

#include "gateway/await.h"

namespace gateway {

using protocol::json;
using protocol::service;

namespace {

// Delve's own error ids (service/dap/error_ids.go).
constexpr int failed_to_attach = 3001;
constexpr int unable_to_halt = 2010;
constexpr int unable_to_look = 2009;
constexpr int debuggee_is_running = 4000;

// What this gateway does not offer, or answers itself: VS Code would kill or restart the program
// by them (facts measured: Stop sends terminateDebuggee, Restart sends restart with rebuild).
constexpr std::string_view masked_capabilities[] = {"supportsRestartRequest", "supportTerminateDebuggee",
                                                    "supportsTerminateRequest", "supportsStepBack",
                                                    "supportSuspendDebuggee"};

}  // namespace

dap_view::dap_view(hub& h, const permissions& rights, stream_peer& peer, caller who, view_limits limits,
                   std::string session)
    : view_base(h, rights, peer, std::move(who), limits, std::move(session)), frames_(limits_.dap_request) {}

void dap_view::start() { hub_.join(*this); }

void dap_view::close() {
    view_base::close();
    for (const auto& [seq, one] : open_) audit_.outcome(one.audited, "not answered: the session ended first");
    audit_.end("closed");
    // dlv is still at work on the look; nobody may run the program before it is done.
    if (!looking_) return;
    until_looked_ = shared_from_this();
    if (window_) window_->resume();
}

// --- requests ---------------------------------------------------------------------------------------------

void dap_view::received(std::string_view bytes) {
    if (over_) return;
    frames_.feed(bytes);
    owed_ += bytes.size();
    process();
    acknowledge();
}

void dap_view::acknowledge() {
    if (over_ || frames_.buffered() > limits_.dap_request) return;
    peer_.consumed(std::exchange(owed_, 0));
}

void dap_view::process() {
    if (in_process_) return;
    in_process_ = true;
    while (!busy_ && !recording_ && !over_) {
        protocol::error_code ec;
        auto body = frames_.next(ec);
        if (ec) {
            // What follows cannot be found any more. The IDE shows the text and ends the session.
            refuse_malformed(ec.message());
            console("delvegate: malformed message: " + ec.message());
            finish();
            break;
        }
        if (!body) {
            if (input_ended_) finish();
            break;
        }
        auto parsed = protocol::parse_dap_request(*body, limits_.depth);
        if (!parsed) {
            refuse_malformed(parsed.error().message());
            fail({}, refused_by_gateway_id, "Refused", "malformed request: " + parsed.error().message());
            continue;
        }
        handle(std::move(*parsed));
    }
    in_process_ = false;
}

void dap_view::refuse_malformed(const std::string& fault) {
    judged nothing;
    nothing.operation = "malformed request";
    audit_.refusal(nothing, {}, "malformed request: " + fault);
}

void dap_view::handle(request r) {
    auto j = protocol::judge(r, limits_.clamps);
    open_[r.seq] = {.command = r.command};
    if (terminated_ && j.how != service::leave)
        return fail(r, refused_by_gateway_id, "Session has ended", "start a new session to attach again", false);
    if (refused_for_rights(r, j)) return;
    if (j.how == service::refuse) {
        audit_.refusal(j, rule_for(j), j.reason);
        return fail(r, j.dap_error ? j.dap_error : refused_by_gateway_id,
                    j.dap_summary.empty() ? "Refused" : j.dap_summary, j.reason);
    }
    if (j.how == service::breakpoint)
        for (const auto& why : breakpoint_refusals(j))
            if (!why.empty()) audit_.refusal(j, {}, why);
    const auto shared = std::make_shared<std::pair<request, judged>>(std::move(r), std::move(j));
    recording_ = true;
    std::string error;
    const bool now = audit_.intent(
        shared->second, rule_for(shared->second), open_[shared->first.seq].audited,
        [this, shared](const std::string& fault) {
            recording_ = false;
            if (over_) return;
            if (fault.empty())
                serve(shared->first, std::move(shared->second));
            else
                fail(shared->first, refused_by_gateway_id, "Refused", fault);
            process();
            if (owed_) acknowledge();
        },
        error);
    if (!now) return;
    recording_ = false;
    if (error.empty())
        serve(shared->first, std::move(shared->second));
    else
        fail(shared->first, refused_by_gateway_id, "Refused", error);
}

audit_operation dap_view::take_open(std::int64_t seq) {
    const auto at = open_.find(seq);
    if (at == open_.end()) return {};
    auto audited = std::move(at->second.audited);
    open_.erase(at);
    return audited;
}

void dap_view::serve(const request& r, judged j) {
    switch (j.how) {
        case service::refuse: return;  // has been
        case service::local: return answer_local(r, j);
        case service::leave: return disconnect(r);
        case service::run: return run(r, j);
        case service::halt: return pause(r);
        case service::breakpoint: return set_breakpoints(r, std::move(j));
        case service::call: return call(r, std::move(j));
        case service::image:
        case service::look: return look(r, std::move(j));
        case service::select:
        case service::restart: return fail(r, refused_by_gateway_id, "Refused", "not a DAP request");
    }
}

void dap_view::answer_local(const request& r, const judged& j) {
    if (r.command == "initialize") return initialize(r, j);
    if (r.command == "attach") return attach(r, j);
    if (r.command == "configurationDone") return configuration_done(r);
    respond(r, {});
}

void dap_view::initialize(const request& r, const judged& j) {
    if (window_) return fail(r, refused_by_gateway_id, "Failed to initialize", "this session is initialized already");
    open_window();
    busy_ = true;
    window_->call("initialize", j.arguments, [this, r](dap_outcome out) {
        if (!out.success) {
            fail(r, 3002, "Failed to initialize", out.error);
            return done();
        }
        json body = json::object{};
        if (auto* b = out.message.find("body")) body = *b;
        exception_filters_ = body.find("exceptionBreakpointFilters") != nullptr;
        if (auto* members = body.if_object())
            std::erase_if(*members, [](auto& m) {
                return std::find(std::begin(masked_capabilities), std::end(masked_capabilities), m.first) !=
                       std::end(masked_capabilities);
            });
        offered_ = std::move(body);
        initialized_ = true;
        respond(r, capabilities_now());
        done();
    });
}

void dap_view::attach(const request& r, const judged& j) {
    if (attached_) return fail(r, failed_to_attach, "Failed to attach", "this session is attached already");
    if (!window_) return fail(r, failed_to_attach, "Failed to attach", "initialize comes first");
    if (hub_.now() == phase::exited)
        return fail(r, failed_to_attach, "Failed to attach",
                    hub_.exit_error() + "; restart it from `dlv connect`, or start it anew on the node");
    attach_arguments_ = j.arguments;
    stop_on_entry_ = j.arguments.get_bool("stopOnEntry");
    if (auto* rules = j.arguments.find("substitutePath")) paths_ = protocol::path_map::from_attach(*rules);
    // The window itself never resumes: stopOnEntry for it, whatever the client wants of the program.
    attach_arguments_.set("mode", "remote");
    attach_arguments_.set("stopOnEntry", true);
    if (!may_read())
        for (const char* key : {"showPprofLabels", "goroutineFilters"}) attach_arguments_.set(key, json{});
    for (const char* key : {"showPprofLabels", "goroutineFilters"})
        if (auto* given = attach_arguments_.find(key)) {
            const auto* list = given->if_array();
            const auto* text = given->if_string();
            labels_shown_ = labels_shown_ || (list && !list->empty()) || (text && !text->empty());
        }
    if (auto* members = attach_arguments_.if_object())
        std::erase_if(*members, [](auto& m) { return m.second.is_null(); });
    busy_ = true;
    if (hub_.now() != phase::stopped) return finish_attach(r, {.lost = false, .success = true, .error = {}, .message = {}});
    with_window([this, r](std::string error) {
        finish_attach(r, {.lost = false, .success = error.empty(), .error = error, .message = {}});
    });
}

void dap_view::finish_attach(const request& r, const dap_outcome& window) {
    if (!window.success) {
        fail(r, failed_to_attach, "Failed to attach", window.error);
        return done();
    }
    attached_ = true;
    event("initialized", {});
    respond(r, {});
    done();
}

void dap_view::configuration_done(const request& r) {
    if (!attached_) return fail(r, refused_by_gateway_id, "Refused", "attach comes first");
    if (configured_) return respond(r, {});
    configured_ = true;
    // Never refused: VS Code would end the session. Who may not run the program finds it standing.
    bool go = hub_.alone_at_entry() && !stop_on_entry_ &&
              grants().allows("configurationDone", {protocol::op_class::control});
    if (hub_.now() == phase::stopped && !go) tell_stop(hub_.last_stop());
    console("Type 'dlv help' for list of commands.");
    respond(r, {});
    // What an earlier view of this person left and this one did not ask for again goes.
    if (!hub_.breakpoints().unclaimed(this).empty())
        hub_.change(
            this, [self = self()]() -> asio::awaitable<void> { co_await self->drop_unclaimed(); },
            [](const std::string&) {});
    if (go) hub_.run(*this, {.command = "continue", .arguments = json::object{}, .goroutine = {}}, [](const run_end&) {});
}

void dap_view::disconnect(const request& r) {
    std::string words = "Closing your session; " + std::string(to_string(hub_.now())) +
                        " as it was, the program stays under the debugger for others.";
    switch (hub_.now()) {
        case phase::stopped: words = "Your session ends; the program stays stopped where it is."; break;
        case phase::running: words = "Your session ends; the program runs on."; break;
        default: words = "Your session ends."; break;
    }
    console(words);
    respond(r, {});
    if (!terminated_) event("terminated", {});
    terminated_ = true;
    finish();
}

// --- runs -------------------------------------------------------------------------------------------------

void dap_view::run(const request& r, const judged& j) {
    if (!attached_) return fail(r, refused_by_gateway_id, "Refused", "attach comes first");
    auto thread = j.arguments.get_int("threadId");
    run_order order;
    order.arguments = json::object{};
    if (r.command == "continue") {
        order.command = "continue";
        json body = json::object{};
        body.set("allThreadsContinued", true);
        respond(r, body);
    } else {
        order.kind = run_kind::step;
        order.goroutine = thread;
        order.command = j.arguments.get_string("granularity") == "instruction" ? "stepInstruction"
                        : r.command == "next"                                  ? "next"
                        : r.command == "stepIn"                                ? "step"
                                                                               : "stepOut";
        json body = json::object{};
        body.set("threadId", thread);
        body.set("allThreadsContinued", true);
        event("continued", body);
        respond(r, {});
    }
    hub_.run(*this, std::move(order), guarded([this, thread](const run_end& end) {
                 if (end.error.empty() || end.stop) return;
                 // It did not run after all: say so as Delve does, or the IDE would wait for ever.
                 json body = json::object{};
                 body.set("reason", "error");
                 body.set("text", end.error);
                 body.set("threadId", thread);
                 body.set("allThreadsStopped", true);
                 if (hub_.now() == phase::stopped) event("stopped", body);
             }));
}

void dap_view::pause(const request& r) {
    hub_.halt(*this, guarded([this, r](const run_end& end) {
                  if (end.error.empty())
                      respond(r, {});
                  else
                      fail(r, unable_to_halt, "Unable to halt execution", end.error);
              }));
}

// --- looks ------------------------------------------------------------------------------------------------

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
    if (hub_.now() != phase::stopped && answer_without_looking(r)) return;
    if (stale(r, j.arguments)) return;
    busy_ = true;
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
    if (auto* configuration = arguments.find("expression");
        r.command == "evaluate" && configuration && configuration->if_string()) {
        // The window learns of new path rules by itself; breakpoints are placed by us.
        std::string_view text = *configuration->if_string();
        constexpr std::string_view rule = "dlv config substitutePath";
        labels_shown_ = labels_shown_ || text.find("showPprofLabels") != text.npos ||
                        text.find("goroutineFilters") != text.npos;
        if (auto at = text.find(rule); at != text.npos && text.find_first_not_of(" \t\n\f\r") == at)
            paths_.configure(text.substr(at + rule.size()));
    }
    window_->stream(r.command, std::move(arguments), *this);
}

bool dap_view::begin(std::uint64_t rest) {
    std::string head = "{\"seq\":" + std::to_string(next_seq_) +
                       ",\"type\":\"response\",\"request_seq\":" + std::to_string(look_request_.seq);
    head = "Content-Length: " + std::to_string(head.size() + rest) + "\r\n\r\n" + head;
    if (head.size() + rest > limits_.dap_reply) {
        fail_large(look_request_);
        end_look();
        return false;
    }
    look_audited_ = take_open(look_request_.seq);
    ++next_seq_;
    begin_reply();
    send(head);
    return true;
}

bool dap_view::piece(std::string_view bytes, bool last) {
    marks_.see(bytes, look_request_.command == "stackTrace");
    send(bytes);
    if (last) {
        marks_.end_of_message();
        end_reply();
        end_look();
        return true;
    }
    paused_ = !over_ && peer_.unsent() > high_water;
    return !paused_;
}

void dap_view::end_look() {
    audit_.outcome(std::exchange(look_audited_, {}), "answered");
    looking_ = false;
    hub_.end_look();
    done();
    release();
}

void dap_view::broken(std::string_view reason) {
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
        hub_.context(), hub_.address(),
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

// --- what the hub tells -------------------------------------------------------------------------------------

void dap_view::on_running(std::string_view by, const viewer* runner) {
    marks_.retire();
    if (!configured_ || terminated_ || runner == this) return;
    json body = json::object{};
    body.set("threadId", 1);
    body.set("allThreadsContinued", true);
    event("continued", body);
    if (!by.empty()) console(std::string(by) + " runs the program.");
}

void dap_view::on_stop(const stop& at) {
    if (calling_) {
        calling_ = false;
        answer_call();
        // Delve says nothing after a call that returned; the IDE asks again by itself.
        if (!window_stopped_) return hub_.tell(*this);
        marks_.retire();
    }
    if (configured_ && !terminated_) tell_stop(at);
}

void dap_view::tell_stop(const stop& at) {
    hub_.tell(*this);
    json body = json::object{};
    auto reason = at.cause.reason;
    json::array hit;
    for (auto id : at.cause.hit_breakpoints) {
        // An IDE knows only ids it was given; Delve's own (negative) ones every IDE knows.
        auto* record = hub_.breakpoints().find(id);
        if (id < 0 || (record && record->owner == this)) hit.push_back(id);
        if (!record || reason != "breakpoint") continue;
        if (record->group == "function") reason = "function breakpoint";
        if (record->group == "instruction") reason = "instruction breakpoint";
    }
    body.set("reason", reason);
    if (!at.cause.description.empty()) body.set("description", at.cause.description);
    if (at.cause.goroutine != 0 || reason == "entry") body.set("threadId", reason == "entry" ? std::int64_t{1} : at.cause.goroutine);
    // A panic's words are the program's, a failed condition's may quote it.
    if (!at.text.empty() && may_read()) body.set("text", at.text);
    body.set("allThreadsStopped", true);
    if (!hit.empty()) body.set("hitBreakpointIds", std::move(hit));
    event("stopped", body);
    if (at.state.next_in_progress)
        console("Step interrupted by a breakpoint. Use 'Continue' to resume the original step command.");
    if (!at.by.empty() && at.by != who_.who.user) console("Stopped for " + at.by + ".");
}

void dap_view::on_exit(std::int64_t status) {
    answer_call();
    if (terminated_ || !attached_) return;
    terminated_ = true;
    json body = json::object{};
    body.set("exitCode", status);
    event("exited", body);
    event("terminated", {});
}

void dap_view::on_restart(std::string_view by) {
    marks_.retire();
    if (configured_ && !terminated_) console(std::string(by) + " restarted the program.");
}

void dap_view::on_output(std::string_view category, std::string_view text) {
    // What the program prints is as good as its values.
    if (!attached_ || terminated_ || !may_read()) return;
    json body = json::object{};
    body.set("category", category);
    body.set("output", text);
    event("output", body);
}

// The text of a log message, each expression as Delve shows it.
asio::awaitable<void> dap_view::on_trace(const thread_state& thread, const breakpoint_record& at) {
    auto message = parse_log_message(at.log_message);
    if (!message || over_ || terminated_ || !grants().allows(at.operation, at.needs)) co_return;
    auto keep = shared_from_this();
    auto goroutine = thread.goroutine;
    auto text = message->text[0];
    if (!message->expressions.empty()) {
        json which = json::object{};
        which.set("threadId", goroutine);
        which.set("startFrame", 0);
        which.set("levels", 1);
        auto stack = co_await ask_window("stackTrace", which);
        std::int64_t frame = 0;
        if (auto* body = stack.message.find("body"))
            if (auto* frames = body->find("stackFrames"))
                if (auto* list = frames->if_array(); list && !list->empty()) frame = list->front().get_int("id");
        for (std::size_t i = 0; i < message->expressions.size(); ++i) {
            json what = json::object{};
            what.set("expression", message->expressions[i]);
            what.set("frameId", frame);
            what.set("context", "clipboard");
            auto value = co_await ask_window("evaluate", what);
            auto* body = value.message.find("body");
            text += value.success && body ? std::string(body->get_string("result"))
                                          : "{eval err: " + value.error + "}";
            text += message->text[i + 1];
        }
    }
    auto path = paths_.to_client(at.file);
    json source = json::object{};
    source.set("path", path);
    json body = json::object{};
    body.set("category", "stdout");
    body.set("output", "> [Go " + std::to_string(goroutine) + "]: " + text + "\n");
    body.set("source", std::move(source));
    body.set("line", at.line);
    event("output", body);
}

void dap_view::on_lost(std::string_view reason) {
    answer_call();
    if (attached_ && !terminated_) end_session(reason);
    finish();
}

void dap_view::end_session(std::string_view reason) {
    json body = json::object{};
    body.set("category", "important");
    body.set("output", "delvegate: " + std::string(reason) + "\n");
    event("output", body);
    event("terminated", {});
    terminated_ = true;
}

void dap_view::last_words(std::string_view reason) {
    for (const auto& [seq, one] : std::exchange(open_, {})) {
        audit_.outcome(one.audited, reason);
        request r;
        r.seq = seq;
        r.command = one.command;
        fail(r, refused_by_gateway_id, "Session has ended", reason);
    }
    if (!terminated_) end_session(reason);
}

// --- to the IDE -----------------------------------------------------------------------------------------

void dap_view::respond(const request& r, const json& body) {
    auto message = protocol::encode_dap_response(next_seq_, r, body);
    if (message.size() > limits_.dap_reply) return fail_large(r);
    audit_.outcome(take_open(r.seq), "ok");
    ++next_seq_;
    post(message);
}

void dap_view::fail(const request& r, int id, std::string_view summary, std::string_view detail, bool show) {
    audit_.outcome(take_open(r.seq), std::string(summary) + ": " + std::string(detail));
    post(protocol::encode_dap_error(next_seq_++, r, id, summary, detail, show));
}

void dap_view::fail_large(const request& r) {
    fail(r, unable_to_look, "Unable to process `" + r.command + "`",
         too_large("dlv's answer", "dapReply", limits_.dap_reply));
}

void dap_view::fail_running(const request& r) {
    fail(r, debuggee_is_running, "Unable to process `" + r.command + "`", "debuggee is running", false);
}

void dap_view::event(std::string_view name, const json& body) {
    post(protocol::encode_dap_event(next_seq_++, name, body));
}

void dap_view::console(std::string_view text) {
    json body = json::object{};
    body.set("category", "console");
    body.set("output", std::string(text) + "\n");
    event("output", body);
}

void dap_view::done() {
    busy_ = false;
    process();
    if (owed_) acknowledge();
}

void dap_view::ended() {
    input_ended_ = true;
    process();
}

}  // namespace gateway
