#include "gateway/dap_view.h"

#include <boost/asio/post.hpp>

#include <algorithm>

#include "gateway/await.h"
#include "gateway/hub_roster.h"

namespace gateway {

using protocol::json;
using protocol::service;

namespace {

// What this gateway does not offer, or answers itself: VS Code would kill or restart the program
// by them (facts measured: Stop sends terminateDebuggee, Restart sends restart with rebuild).
constexpr std::string_view masked_capabilities[] = {"supportsRestartRequest", "supportTerminateDebuggee",
                                                    "supportsTerminateRequest", "supportsStepBack",
                                                    "supportSuspendDebuggee"};

}  // namespace

dap_view::dap_view(hub& h, const permissions& rights, stream_peer& peer, caller who, view_limits limits,
                   std::string session)
    : view_base(h, rights, peer, std::move(who), limits, std::move(session)), frames_(limits_.dap_request) {}

void dap_view::start() {
    count_in(hub_.measures().dap);
    hub_.join(*this);
}

void dap_view::close() {
    view_base::close();
    for (const auto& [seq, one] : open_) audit_.outcome(one.audited, "not answered: the session ended first");
    audit_.end("closed");
    if (window_) hub_.windows().leave(*this, *window_);
    // dlv is still at work on the look; nobody may run the program before it is done.
    if (!looking_) return;
    until_looked_ = shared_from_this();
    if (window_) window_->resume();
}

// --- requests ---------------------------------------------------------------------------------------------

void dap_view::received(std::string_view bytes) {
    if (over_) return;
    frames_.feed(bytes);
    bytes_came();
    owed_ += bytes.size();
    process();
    acknowledge();
}

void dap_view::acknowledge() {
    if (over_ || frames_.buffered() > limits_.dap_request) return;
    peer_.consumed(std::exchange(owed_, 0));
}

void dap_view::process() {
    if (in_process_ || !has_turn()) return;
    in_process_ = true;
    while (!busy_ && !recording_ && !over_ && turn_goes_on()) {
        protocol::error_code ec;
        auto body = frames_.next(ec);
        took_request(body.has_value());
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

// What a viewer with a checkout asks is answered in its paths from the first reply on.
void dap_view::handle(request r) {
    if (!paths_.pending() || !attached_) return take(std::move(r));
    busy_ = true;
    const bool sets = r.command == "setBreakpoints" || r.command == "setFunctionBreakpoints";
    know_paths(sets && sets_any(protocol::judge(r, limits_.clamps)), [this, r] {
        busy_ = false;
        take(r);
        process();
        if (owed_) acknowledge();
    });
}

void dap_view::take(request r) {
    auto j = protocol::judge(r, limits_.clamps);
    open_[r.seq] = {.command = r.command};
    if (terminated_ && j.how != service::leave)
        return fail(r, refused_by_gateway_id, "Session has ended", "start a new session to attach again", false);
    if (refused_for_rights(r, j)) return;
    if (paths_.apply(r, j, limits_.clamps) && refused_for_rights(r, j)) return;
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
            // The policy and the program may have moved on while the intent was written.
            if (!fault.empty())
                fail(shared->first, refused_by_gateway_id, "Refused", fault);
            else if (!refused_for_rights(shared->first, shared->second))
                serve(shared->first, std::move(shared->second));
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
    if (r.command == "evaluate") return type_to_delvegate(r);
    respond(r, {});
}

void dap_view::initialize(const request& r, const judged& j) {
    if (window_ || initialized_) return fail(r, refused_by_gateway_id, "Failed to initialize", "this session is initialized already");
    initialize_arguments_ = j.arguments;
    invalidates_ = j.arguments.get_bool("supportsInvalidatedEvent");
    const auto answer = [this, r](const dap_outcome& out) {
        if (!out.success) return fail(r, 3002, "Failed to initialize", out.error);
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
    };
    if (const auto* known = hub_.windows().capabilities(initialize_arguments_)) return answer(*known);
    window_ = hub_.windows().open(*this, initialize_arguments_);
    busy_ = true;
    window_->initialize(guarded([this, answer](const dap_outcome& out) {
        hub_.windows().note(initialize_arguments_, out);
        answer(out);
        done();
    }));
}

void dap_view::attach(const request& r, const judged& j) {
    if (attached_) return fail(r, failed_to_attach, "Failed to attach", "this session is attached already");
    if (!initialized_) return fail(r, failed_to_attach, "Failed to attach", "initialize comes first");
    if (hub_.now() == phase::exited)
        return fail(r, failed_to_attach, "Failed to attach",
                    hub_.exit_error() + "; restart it from `dlv connect`, or start it anew on the node");
    attach_arguments_ = j.arguments;
    stop_on_entry_ = j.arguments.get_bool("stopOnEntry");
    if (const auto why = paths_.attach(attach_arguments_); !why.empty()) return fail(r, failed_to_attach, "Failed to attach", why);
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
    // dlv halts for an attach (service/dap/server.go, onAttachRequest), so it is a look like any other: nobody runs the
    // program meanwhile. While it runs, the window is opened at the first look.
    hub_.look(
        *this,
        guarded([this, r] {
            looking_ = true;
            with_window([this, r](const std::string& error) {
                looking_ = false;
                hub_.end_look(this);
                if (error.empty()) {
                    finish_attach(r);
                } else {
                    fail(r, failed_to_attach, "Failed to attach", error);
                    done();
                }
                release();
            });
        }),
        guarded([this, r](const std::string&) { finish_attach(r); }));
}

void dap_view::finish_attach(const request& r) {
    attached_ = true;
    output_from_ = hub_.roster().output().total();
    event("initialized", {});
    respond(r, {});
    done();
}

void dap_view::configuration_done(const request& r) {
    if (!attached_) return fail(r, refused_by_gateway_id, "Refused", "attach comes first");
    if (configured_) return respond(r, {});
    hub_.turns().hurry(*this);  // nothing of before
    configured_ = true;
    // Never refused: VS Code would end the session. Who may not run the program finds it standing.
    bool go = hub_.alone_at_entry() && !stop_on_entry_ &&
              grants().allows("configurationDone", {protocol::op_class::control}) && hub_.not_your_turn(*this).empty();
    if (hub_.now() == phase::stopped && !go) tell_stop(hub_.last_stop());
    console("Type 'dlv help' for list of commands.");
    respond(r, {});
    welcome();
    // What an earlier view of this person left and this one did not ask for again goes.
    if (!hub_.breakpoints().unclaimed(this).empty())
        hub_.change(
            this, [self = self()]() -> asio::awaitable<void> { co_await self->drop_unclaimed(); },
            [](const std::string&) {});
    // It has been told nothing of the stop, which is to pass.
    if (go)
        hub_.run(*this, {.command = "continue", .arguments = json::object{}, .goroutine = {}}, guarded([this](const run_end& end) {
                     if (!end.error.empty() && !end.stop && hub_.now() == phase::stopped) tell_stop(hub_.last_stop());
                 }));
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
    // Before it is answered: an IDE that has its answer shows the program running.
    if (hub_.would_resume(*this))
        if (const auto why = hub_.turn_refusal(*this); !why.empty()) return fail(r, not_allowed_id, "Not your turn", why);
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
    // It means the stop that it has been told of; what it gets is the one it has not seen yet.
    if (hub_.now() == phase::stopped && !hub_.would_resume(*this)) return tell_last_stop();
    measure(order);
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
    post(protocol::encode_dap_error(next_seq_++, r, id, summary, paths_.text(detail), show));
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
