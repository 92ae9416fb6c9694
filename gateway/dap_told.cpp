// What the hub tells a DAP view, in the words of its IDE.
#include "gateway/dap_view.h"

#include <algorithm>

#include "gateway/await.h"
#include "gateway/hub_roster.h"
#include "gateway/log_message.h"
#include "gateway/session_words.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;

void dap_view::on_running(std::string_view by, const viewer* runner) {
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
        // A stop of the window's own has dlv count its references from the beginning again.
        if (window_) {
            window_->marks = {};
            window_->owners.forget();
        }
    }
    if (configured_ && !terminated_) tell_stop(at);
}

// What the hub has not told it yet comes first, and counts.
void dap_view::tell_last_stop() {
    const auto before = stops_told_;
    hub_.turns().hurry(*this);
    if (stops_told_ == before && hub_.now() == phase::stopped) tell_stop(hub_.last_stop());
}

void dap_view::tell_stop(const stop& at) {
    ++stops_told_;
    json body = json::object{};
    auto reason = at.cause.reason;
    json::array hit;
    std::string whose;
    for (auto id : at.cause.hit_breakpoints) {
        // An IDE knows only ids it was given; Delve's own (negative) ones every IDE knows.
        auto* record = hub_.breakpoints().find(id);
        if (id < 0 || (record && record->owner == this)) hit.push_back(id);
        if (record && record->owner != this) whose = record->user;
        if (!record || reason != "breakpoint") continue;
        if (record->group == "function") reason = "function breakpoint";
        if (record->group == "instruction") reason = "instruction breakpoint";
    }
    body.set("reason", reason);
    if (!at.cause.description.empty()) body.set("description", paths_.text(at.cause.description));
    if (!at.why.empty()) body.set("description", at.why);
    if (at.cause.goroutine != 0 || reason == "entry") body.set("threadId", reason == "entry" ? std::int64_t{1} : at.cause.goroutine);
    // A panic's words are the program's, a failed condition's may quote it.
    if (!at.text.empty() && may_read()) body.set("text", paths_.text(at.text));
    body.set("allThreadsStopped", true);
    if (!hit.empty()) body.set("hitBreakpointIds", std::move(hit));
    event("stopped", body);
    hub_.tell(*this);
    if (at.state.next_in_progress)
        console("Step interrupted by a breakpoint. Use 'Continue' to resume the original step command.");
    if (hit.empty() && !whose.empty()) console("Stopped at a breakpoint of " + whose + ".");
    if (!at.by.empty() && at.by != who_.who.user) console("Stopped for " + at.by + ".");
    if (!at.why.empty()) console("delvegate: " + at.why + ".");
    if (const auto parked = hub_.park().words(); !parked.empty()) console("delvegate: " + parked);
}

// A name, as it may be shown in others' consoles.
std::string dap_view::ide() const {
    constexpr std::size_t most = 64;
    auto name = initialize_arguments_.get_string("clientName");
    if (name.empty()) name = initialize_arguments_.get_string("clientID");
    auto text = protocol::printable(name);
    if (text.size() > most) {
        auto end = most;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u) --end;
        text = text.substr(0, end) + "…";
    }
    return text.empty() ? "a DAP client" : text;
}

// Who comes late learns what those who were here before know.
void dap_view::welcome() {
    for (const auto& line : hub_.roster().welcome(*this)) console(line);
    if (grants().allows("output", {protocol::op_class::read}))
        if (const auto text = hub_.roster().earlier_output(hub_roster::lines_at_once, output_from_); !text.empty()) console(text);
    hub_.roster().came(*this);
}

// `delvegate baton …` in the debug console.
void dap_view::type_to_delvegate(const request& r) {
    const auto words = protocol::read_session_words(r.arguments.get_string("expression"));
    if (!words) return fail(r, unable_to_look, "Unable to evaluate expression", "not for delvegate");
    carry_out(hub_, *this, grants(), *words, guarded([this, r](const baton::told& said) {
                  if (!said) return fail(r, not_allowed_id, "delvegate", said.error());
                  json body = json::object{};
                  body.set("result", *said);
                  body.set("variablesReference", 0);
                  respond(r, body);
              }));
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

void dap_view::on_notice(std::string_view text) {
    if (configured_ && !terminated_) console(text);
}

// As Delve itself says it of what was set in its own session; an IDE that does not know the event looks again at a stop.
void dap_view::on_values_changed() {
    if (!configured_ || terminated_ || hub_.now() != phase::stopped) return;
    if (window_) window_->marks.retire_variables();
    json body = json::object{};
    if (invalidates_) {
        body.set("areas", json::array{"variables"});
        return event("invalidated", body);
    }
    const auto& at = hub_.last_stop();
    body.set("reason", at.cause.reason);
    if (at.cause.goroutine != 0) body.set("threadId", at.cause.goroutine);
    body.set("allThreadsStopped", true);
    body.set("preserveFocusHint", true);
    event("stopped", body);
}

void dap_view::on_restart(std::string_view by) {
    on_moving();
    if (configured_ && !terminated_) console(std::string(by) + " restarted the program.");
}

void dap_view::on_output(std::string_view category, std::string_view text) {
    // What the program prints is as good as its values; what delvegate itself has to say is for everybody.
    if (!attached_ || terminated_ || (category != "important" && !may_read())) return;
    json body = json::object{};
    body.set("category", category);
    body.set("output", text);
    event("output", body);
}

// The text of a log message, each expression as Delve shows it.
asio::awaitable<std::optional<std::string>> dap_view::log_text(const thread_state& thread, const breakpoint_wish& at) {
    auto message = parse_log_message(at.log_message);
    // Before initialize there is nobody to tell, and no window to ask in.
    if (!message || !attached_ || over_ || terminated_ || !may_have(at)) co_return std::nullopt;
    auto keep = shared_from_this();
    auto text = message->text[0];
    if (!message->expressions.empty()) {
        json which = json::object{};
        which.set("threadId", thread.goroutine);
        which.set("startFrame", 0);
        which.set("levels", 1);
        auto stack = co_await ask_window("stackTrace", which);
        if (stack.lost) co_return std::nullopt;
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
            if (value.lost) co_return std::nullopt;
            auto* body = value.message.find("body");
            text += value.success && body ? std::string(body->get_string("result"))
                                          : "{eval err: " + value.error + "}";
            text += message->text[i + 1];
        }
    }
    co_return text;
}

// Its owner had to be allowed to set it; who follows others sees values.
bool dap_view::may_have(const breakpoint_wish& at) const {
    if (at.owner == this) return grants().allows(at.operation, at.needs);
    return grants().allows("follow", {protocol::op_class::read}) && grants().allows("evaluate", {protocol::op_class::read});
}

void dap_view::on_log(std::string_view text, std::int64_t goroutine, const breakpoint_wish& at) {
    if (!attached_ || over_ || terminated_ || !may_have(at)) return;
    auto path = paths_.to_client(at.file);
    json source = json::object{};
    source.set("path", path);
    json body = json::object{};
    body.set("category", "stdout");
    // What somebody else had written must not look like delvegate's own words.
    const auto whose = at.owner == this ? std::string() : protocol::printable(at.user) + " ";
    const auto what = at.owner == this ? std::string(text) : protocol::printable(text);
    body.set("output", "> " + whose + "[Go " + std::to_string(goroutine) + "]: " + what + "\n");
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

void dap_view::tell_person(const std::string& line) {
    view_base::tell_person(line);
    console("delvegate: " + line);
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

}  // namespace gateway
