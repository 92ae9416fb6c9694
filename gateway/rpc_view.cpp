#include "gateway/rpc_view.h"

#include <boost/asio/post.hpp>

#include "gateway/hub_roster.h"
#include "gateway/session_words.h"

namespace gateway {

using protocol::json;
using protocol::service;

namespace {

// Delve answers State so while the target runs (measured, 1.20.2 and 1.27.1).
constexpr std::string_view running_state =
    "{\"Pid\":0,\"TargetCommandLine\":\"\",\"Running\":true,\"Recording\":false,\"CoreDumping\":false,"
    "\"Threads\":null,\"NextInProgress\":false,\"WatchOutOfScope\":null,\"exited\":false,\"exitStatus\":0,"
    "\"When\":\"\"}";

// Requests of one client that wait for their answers, each a State or a run: no client has more than a few.
constexpr std::size_t most_open = 64;

std::string state_result(std::string_view state) {
    std::string out = "{\"State\":";
    out += state;
    out += '}';
    return out;
}

}  // namespace

rpc_view::rpc_view(hub& h, const permissions& rights, stream_peer& peer, caller who, view_limits limits,
                   std::string session)
    : view_base(h, rights, peer, std::move(who), limits, std::move(session)),
      splitter_(limits_.rpc_request),
      goodbye_(h.context()) {}

void rpc_view::start() {
    count_in(hub_.measures().rpc);
    hub_.join(*this);
    joined_running_ = hub_.now() == phase::running;
}

void rpc_view::close() {
    goodbye_.cancel();
    hub_.forget_look(*this);
    view_base::close();
    for (const auto& one : open_) audit_.outcome(one.audited, "not answered: the session ended first");
    audit_.end("closed");
}

// --- requests ---------------------------------------------------------------------------------------------

void rpc_view::received(std::string_view bytes) {
    if (over_) return;
    splitter_.feed(bytes);
    bytes_came();
    owed_ += bytes.size();
    process();
    acknowledge();
}

// Bytes that the splitter holds are bounded by the largest request; what goes beyond, pipelined while
// one is being answered, holds the client back.
void rpc_view::acknowledge() {
    if (over_ || splitter_.buffered() > limits_.rpc_request) return;
    peer_.consumed(std::exchange(owed_, 0));
}

void rpc_view::process() {
    if (in_process_ || !has_turn()) return;  // an answer given at once brings us back here
    in_process_ = true;
    while (!busy_ && !recording_ && !over_ && open_.size() < most_open && turn_goes_on()) {
        protocol::error_code ec;
        auto text = splitter_.next(ec);
        took_request(text.has_value());
        if (ec) {
            // Where the next request would begin cannot be known any more.
            refuse_malformed(ec.message());
            finish();
            break;
        }
        if (!text) {
            if (input_ended_) finish();
            break;
        }
        auto parsed = protocol::parse_rpc_request(*text, limits_.depth);
        if (!parsed) {
            refuse_malformed(parsed.error().message());
            if (parsed.error() == protocol::errc::malformed_json) finish();
            continue;
        }
        handle(std::move(*parsed));
    }
    in_process_ = false;
}

// What a viewer with a checkout asks is answered in its paths from the first reply on.
void rpc_view::handle(request r) {
    if (!paths_.pending()) return take(std::move(r));
    busy_ = true;
    // Nobody halts the program for what is going to be refused.
    auto j = protocol::judge(r, limits_.clamps);
    know_paths(r.method == "RPCServer.CreateBreakpoint" && j.how == service::breakpoint && !not_allowed(j), [this, r] {
        busy_ = false;
        take(r);
        process();
        if (owed_) acknowledge();
    });
}

void rpc_view::take(request r) {
    ++requests_;
    open_.push_back({.id = r.id});
    if (!ended_because_.empty()) {
        refuse(r.id, ended_because_);
        return finish();
    }
    if (requests_ == 1) {
        delves_own_ = r.method == "RPCServer.SetApiVersion";
        starting_ = delves_own_;
        hub_.roster().came(*this);
    }
    auto j = protocol::judge(r, limits_.clamps);
    auto why = not_allowed(j);
    if (!why && paths_.apply(r, j, limits_.clamps)) why = not_allowed(j);
    if (!why && j.how == service::refuse) why = j.reason;
    if (why) {
        audit_.refusal(j, rule_for(j), *why);
        refuse(r.id, *why);
        last_method_ = std::move(r.method);
        return;
    }
    const auto shared = std::make_shared<std::pair<request, judged>>(std::move(r), std::move(j));
    recording_ = true;
    std::string error;
    const bool now = audit_.intent(
        shared->second, rule_for(shared->second), open_.back().audited,
        [this, shared](const std::string& fault) {
            recording_ = false;
            if (over_) return;
            // The policy and the program may have moved on while the intent was written.
            const auto now_not = fault.empty() ? not_allowed(shared->second) : std::optional(fault);
            if (now_not)
                refuse(shared->first.id, *now_not);
            else
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
        refuse(shared->first.id, error);
}

void rpc_view::serve(const request& r, judged j) {
    if (means_an_earlier_stop(r, j)) {
        refuse(r.id, hub_.moved_words());
        hub_.tell(*this);
        last_method_ = r.method;
        return;
    }
    switch (j.how) {
        case service::refuse: break;  // has been
        case service::local: answer_local(r, j); break;
        case service::run:
        case service::halt: command(r, j); break;
        case service::call:
            if (r.method == "RPCServer.Command")
                command(r, j);
            else
                alone(r, std::move(j));
            break;
        case service::select:
            borrow_selection(r, std::move(j));
            break;
        case service::breakpoint: breakpoint(r, std::move(j)); break;
        case service::restart: restart(r, j); break;
        case service::leave:
            // Delve would kill the program and end for everybody; only this view ends (design §5.7).
            reply(r.id, "{}");
            finish();
            break;
        case service::image:
        case service::look: look(r, std::move(j)); break;
    }
    last_method_ = r.method;
}

void rpc_view::answer_local(const request& r, const judged& j) {
    if (r.method == "RPCServer.State") return state(r, j);
    if (r.method == "RPCServer.ListBreakpoints" || r.method == "RPCServer.GetBreakpoint") return breakpoints(r, j);
    if (r.method == "RPCServer.Eval") return type_to_delvegate(r, j);
    if (r.method == "RPCServer.IsMulticlient") return reply(r.id, "{\"IsMulticlient\":true}");
    if (r.method == "RPCServer.SetApiVersion" || r.method == "RPCServer.CancelDownloads") return reply(r.id, "{}");
    if (auto* known = hub_.fixed_reply(r.method)) return reply(r.id, *known);
    // Joined to a running program, nothing could be asked beforehand.
    if (r.method != "RPCServer.GetEvents") return look(r, j);
    // Delve's channel of events is one for the whole server, its clients would take each
    // other's; told that there is none, they do without.
    refuse(r.id, "unknown method: " + r.method);
}

void rpc_view::state(const request& r, const judged& j) {
    bool at_once = j.arguments.get_bool("NonBlocking");
    if (hub_.now() == phase::running && !at_once) {
        // Since 1.21 `dlv connect` sends two blocking States before its prompt, the first right after
        // Recorded. Holding the last one lets Ctrl-C, p pause when the person means it.
        at_once = starting_ && last_method_ == "RPCServer.Recorded";
    }
    if (hub_.now() == phase::running && at_once) return reply(r.id, state_result(running_state));
    hub_.wait_for_stop(*this, guarded([this, id = r.id](const run_end& end) { reply_state(id, end); }));
}

// `print delvegate baton …`: Eval's answer is a variable, so a text is one.
void rpc_view::type_to_delvegate(const request& r, const judged& j) {
    const auto words = protocol::read_session_words(j.arguments.get_string("Expr"));
    if (!words) return refuse(r.id, "not for delvegate");
    const std::string expression(j.arguments.get_string("Expr"));
    carry_out(hub_, *this, grants(), *words, guarded([this, id = r.id, expression](const baton::told& said) {
                  if (!said) return refuse(id, said.error());
                  reply(id, "{\"Variable\":" + protocol::to_text(text_variable(expression, *said)) + "}");
              }));
}

void rpc_view::command(const request& r, const judged& j) {
    if (j.how == service::halt) return halt(r);
    starting_ = false;
    run_order order;
    order.command = j.arguments.get_string("name");
    order.arguments = j.arguments;
    bool goes_on = order.command == "continue" || order.command == "directionCongruentContinue";
    order.kind = j.how == service::call ? run_kind::call : goes_on ? run_kind::go_on : run_kind::step;
    select_own(order);
    measure(order);
    hub_.run(*this, std::move(order), guarded([this, id = r.id](const run_end& end) { reply_state(id, end); }));
}

void rpc_view::halt(const request& r) {
    if (joins_as_it_starts()) {
        joined_running_ = false;  // the next one is meant
        return reply(r.id, state_result(running_state));
    }
    starting_ = false;
    hub_.halt(*this, guarded([this, id = r.id](const run_end& end) { reply_state(id, end); }));
}

// --- what changes something -------------------------------------------------------------------------------

void rpc_view::alone(const request& r, judged j) {
    starting_ = false;
    busy_ = true;
    select_own(j.arguments);
    const bool drives = j.how == service::call;  // what it steps, or where it ends, is for who has the baton
    hub_.alone(
        *this,
        [self = self(), id = r.id, method = r.method, params = protocol::to_text(j.arguments)]() -> asio::awaitable<void> {
            auto out = co_await self->hub_.door(method, params);
            if (!out.lost) co_await self->hub_.refresh_state();
            if (out.ok() && method == "RPCServer.Set") self->hub_.values_changed(*self);
            self->answer(id, out);
        },
        guarded([this, id = r.id](const std::string& why) {
            refuse(id, why);
            done();
        }), drives);
}

void rpc_view::restart(const request& r, const judged& j) {
    starting_ = false;
    hub_.restart(*this, protocol::to_text(j.arguments), guarded([this, id = r.id](const rpc_outcome& out) {
                     if (out.ok())
                         reply(id, out.result);
                     else
                         refuse(id, out.error);
                 }));
}

// --- replies ----------------------------------------------------------------------------------------------

audit_operation rpc_view::take_open(const json& id) {
    const auto at = std::find_if(open_.begin(), open_.end(), [&](const auto& one) { return one.id == id; });
    if (at == open_.end()) return {};
    auto audited = std::move(at->audited);
    open_.erase(at);
    // What waits behind those that were open has its turn; not from within whoever answers.
    if (open_.size() + 1 == most_open)
        asio::post(hub_.context(), guarded([this] {
            process();
            if (owed_) acknowledge();
        }));
    return audited;
}

void rpc_view::answered(const json& id, std::string_view result) { audit_.outcome(take_open(id), result); }

void rpc_view::reply(const json& id, std::string_view result) {
    std::string line = "{\"id\":";
    line.reserve(result.size() + 48);
    protocol::append_text(line, id);
    line += ",\"result\":";
    line += paths_.any() ? std::string_view(paths_.result(result, limits_.rpc_reply)) : result;
    line += ",\"error\":null}\n";
    if (line.size() > limits_.rpc_reply) return refuse(id, too_large("dlv's answer", "rpcReply", limits_.rpc_reply));
    answered(id, "ok");
    post(line);
}

void rpc_view::answer(const json& id, const rpc_outcome& out) {
    if (out.ok())
        reply(id, may_read() ? shown(out.result) : without_values(shown(out.result)));
    else
        refuse(id, out.error);
    done();
}

void rpc_view::refuse(const json& id, std::string_view why) {
    ++answers_;
    answered(id, why);
    post(protocol::encode_rpc_error(id, paths_.text(why)));
}

void rpc_view::refuse_malformed(const std::string& fault) {
    const std::string why = "malformed request: " + fault;
    judged nothing;
    nothing.operation = "malformed request";
    audit_.refusal(nothing, {}, why);
    refuse({}, why);
}

void rpc_view::reply_state(const json& id, const run_end& end) {
    if (paths_.pending() && hub_.now() == phase::stopped)
        return know_paths(false, [this, id, error = end.error, state = end.state] { reply_state(id, {error, state}); });
    if (!end.error.empty()) return refuse(id, end.error);
    const auto result = shown(state_result(own_state(end)));
    reply(id, may_read() ? result : without_values(result));
}

void rpc_view::done() {
    busy_ = false;
    process();
    if (owed_) acknowledge();
}

// --- the end ----------------------------------------------------------------------------------------------

void rpc_view::ended() {
    input_ended_ = true;
    process();
}

void rpc_view::on_lost(std::string_view) { finish(); }

void rpc_view::last_words(std::string_view reason) {
    hub_.forget_look(*this);
    // JSON-RPC has no word that is not an answer.
    for (const auto& one : std::exchange(open_, {})) {
        audit_.outcome(one.audited, reason);
        post(protocol::encode_rpc_error(one.id, "delvegate: " + std::string(reason)));
    }
}

}  // namespace gateway
