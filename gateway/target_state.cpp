#include "gateway/target_state.h"

#include <algorithm>
#include <charconv>

namespace gateway {

namespace {

using protocol::json;

hit_breakpoint read_breakpoint(const json& from) {
    hit_breakpoint b;
    b.id = from.get_int("id");
    b.name = from.get_string("name");
    b.file = from.get_string("file");
    b.line = from.get_int("line");
    b.tracepoint = from.get_bool("continue");
    b.watchpoint = !from.get_string("WatchExpr").empty();
    b.hits = from.get_int("totalHitCount");
    return b;
}

thread_state read_thread(const json& from) {
    thread_state t;
    t.id = from.get_int("id");
    t.goroutine = from.get_int("goroutineID");
    if (const auto* pc = from.find("pc")) t.pc = pc->as_uint().value_or(0);
    t.file = from.get_string("file");
    t.line = from.get_int("line");
    if (auto* function = from.find("function")) t.function = function->get_string("name");
    if (auto* b = from.find("breakPoint"); b && b->is_object()) t.breakpoint = read_breakpoint(*b);
    t.call_return = from.get_bool("CallReturn");
    return t;
}

// A breakpoint compiled into the program (runtime.Breakpoint) has a negative-id logical breakpoint
// of this name in Delve (pkg/proc/breakpoints.go), or none at all in older ones.
constexpr std::string_view hardcoded_name = "hardcoded-breakpoint";
constexpr std::string_view panic_name = "unrecovered-panic";
constexpr std::string_view throw_name = "runtime-fatal-throw";

bool at_hardcoded(const thread_state& t) { return t.function == "runtime.breakpoint"; }

bool stops(const thread_state& t) {
    return (t.breakpoint && !t.breakpoint->tracepoint) || at_hardcoded(t);
}

// The current thread first, as Delve's DAP server does: it is whom the stop is about.
const thread_state* stopping_thread(const target_state& state) {
    if (state.current_thread && stops(*state.current_thread)) return &*state.current_thread;
    auto found = std::find_if(state.threads.begin(), state.threads.end(), stops);
    return found == state.threads.end() ? nullptr : &*found;
}

}  // namespace

std::int64_t target_state::goroutine() const {
    if (selected_goroutine) return *selected_goroutine;
    return current_thread ? current_thread->goroutine : 0;
}

std::string target_state::position() const {
    if (!current_thread || current_thread->file.empty()) return {};
    auto at = current_thread->file + ":" + std::to_string(current_thread->line);
    return current_thread->function.empty() ? at : current_thread->function + "() in " + at;
}

protocol::result<target_state> read_state(std::string_view result_text) {
    auto parsed = protocol::parse_json(result_text, {.max_depth = 512, .fold_keys = false});
    if (!parsed) return parsed.error();
    const json* from = parsed->find("State");
    if (!from || !from->is_object()) return protocol::errc::bad_reply;
    target_state s;
    s.running = from->get_bool("Running");
    s.exited = from->get_bool("exited");
    s.exit_status = from->get_int("exitStatus");
    s.pid = from->get_int("Pid");
    s.next_in_progress = from->get_bool("NextInProgress");
    s.stop_reason = from->get_string("stopReason");
    if (auto* gone = from->find("WatchOutOfScope"))
        s.watch_out_of_scope = gone->if_array() && !gone->if_array()->empty();
    if (auto* g = from->find("currentGoroutine"); g && g->is_object())
        s.selected_goroutine = g->get_int("id");
    if (auto* t = from->find("currentThread"); t && t->is_object())
        s.current_thread = read_thread(*t);
    if (auto* list = from->find("Threads"))
        if (auto* threads = list->if_array())
            for (auto& t : *threads) s.threads.push_back(read_thread(t));
    s.text = protocol::to_text(*from);
    return s;
}

bool stands_at_breakpoint(const target_state& state) { return stopping_thread(state) != nullptr; }

// Delve before 1.26.1 does not say why it stands; the runtime's first instructions are run once only, by the only thread.
bool stands_at_entry(const target_state& state) {
    if (!state.stop_reason.empty()) return state.stop_reason == "launched";
    return state.threads.size() == 1 && state.current_thread && !state.current_thread->breakpoint &&
           state.current_thread->file.find("runtime/rt0_") != std::string::npos;
}

std::vector<const thread_state*> tracepoints_hit(const target_state& state) {
    std::vector<const thread_state*> hit;
    for (auto& t : state.threads)
        if (t.breakpoint && t.breakpoint->tracepoint) hit.push_back(&t);
    return hit;
}

stop_cause explain_stop(const target_state& state, run_kind run, bool halted) {
    stop_cause cause;
    cause.goroutine = state.goroutine();
    // Where a step ends, dlv names a breakpoint that is there whatever its condition says; from 1.26.1 on it tells
    // that it was the step.
    const bool step_ended = run == run_kind::step && state.stop_reason == "next finished";
    if (auto* thread = stopping_thread(state); thread && !step_ended) {
        cause.reason = "breakpoint";
        if (thread->goroutine != 0) cause.goroutine = thread->goroutine;
        if (auto& b = thread->breakpoint) {
            cause.breakpoint_name = b->name;
            if (b->name == panic_name || b->name == throw_name) {
                cause.reason = "exception";
                cause.description = b->name == panic_name ? "panic" : "fatal error";
            } else if (b->watchpoint) {
                cause.reason = "data breakpoint";
            }
            if (b->name != hardcoded_name) cause.hit_breakpoints.push_back(b->id);
        }
        if (halted && cause.reason != "exception") {
            cause.reason = "pause";
            cause.hit_breakpoints.clear();
        }
        return cause;
    }
    if (halted || state.stop_reason == "manual")
        cause.reason = "pause";
    else
        cause.reason = state.watch_out_of_scope || run == run_kind::go_on ? "breakpoint" : "step";
    return cause;
}

// "Process 8593 has exited with status 3" (Delve pkg/proc, ErrProcessExited).
std::optional<std::int64_t> exit_status_in(std::string_view error) {
    constexpr std::string_view words = " has exited with status ";
    auto at = error.find(words);
    if (!error.starts_with("Process ") || at == error.npos) return std::nullopt;
    std::int64_t status = 0;
    auto digits = error.substr(at + words.size());
    if (std::from_chars(digits.data(), digits.data() + digits.size(), status).ec != std::errc{}) return std::nullopt;
    return status;
}

}  // namespace gateway
