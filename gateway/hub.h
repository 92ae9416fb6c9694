// The session of one debuggee: what state it is in, who is here, and the one door through which it
// is run (design §5). IDE connections are views (viewer) of it; it outlives them.
//
// Towards dlv it holds: `door`, the only connection that resumes; `ask`, which halts and asks while
// the door is busy; a few connections for looks, used only while the target stands still; and a
// housekeeping DAP session, whose one deed is to make dlv keep a step through halts and tracepoints
// (Delve service/dap/server.go, onConfigurationDoneRequest sets KeepSteppingBreakpoints).
//
// Everything happens on the one io_context thread. Callbacks may come before the call returns.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/active_run.h"
#include "gateway/breakpoint_board.h"
#include "gateway/breakpoint_shown.h"
#include "gateway/counted_phase.h"
#include "gateway/dap_window.h"
#include "gateway/directory.h"
#include "gateway/exception_wishes.h"
#include "gateway/fair_turns.h"
#include "gateway/hub_baton.h"
#include "gateway/hub_budget.h"
#include "gateway/hub_outsiders.h"
#include "gateway/hub_park.h"
#include "gateway/look_answers.h"
#include "gateway/look_desk.h"
#include "gateway/rpc_channel.h"
#include "gateway/session_measures.h"
#include "gateway/session_memory.h"
#include "gateway/target_state.h"
#include "gateway/viewer.h"
#include "launcher/dlv_process.h"

namespace gateway {

class dap_windows;
class hub_roster;

struct run_order {
    std::string command;               // a Command name, e.g. "next"
    protocol::json arguments;          // further members of DebuggerCommand, canonical
    run_kind kind = run_kind::go_on;
    std::optional<std::int64_t> goroutine;  // to be selected first (DAP names one, JSON-RPC selects)
    std::optional<person> who{};            // set by run(): who needs the baton for it
    std::int64_t thread = 0;                // to be selected first where no goroutine is, but for 0
    std::chrono::steady_clock::time_point asked{};  // when the request was whole
    time_histogram* measured = nullptr;             // what gets the time until it is handed to dlv; null: nobody
};

struct hub_settings {
    std::size_t max_viewers = 64;
    std::chrono::milliseconds breakpoint_grace = std::chrono::seconds(30);
    std::chrono::milliseconds longest_park{0};
    baton_settings baton{};
    std::chrono::milliseconds resume_time{0};  // for people who were here when the gateway ended
    std::chrono::milliseconds call_time = std::chrono::seconds(30);  // of code that somebody calls in the program
    bool outsiders = false;  // others may speak with that dlv directly: they are watched
    std::size_t image_cache = 16u << 20;  // bytes of replies that depend on the process image only
    std::size_t output_kept = 64u << 10;  // bytes of what the program prints, for those who come later
};

class hub {
public:
    hub(asio::io_context& context, std::string name, hub_settings settings);
    ~hub();
    hub(const hub&) = delete;
    hub& operator=(const hub&) = delete;

    // --- dlv's life -------------------------------------------------------------------------------
    void begin_start();               // dlv is being started: callers may wait
    void set_down(std::string reason);  // it has not come up
    // Connects to a dlv whose program has just been launched (fresh) or that is somebody else's.
    // `ready` is called once, with a reason when it did not work. Never halts a running target.
    void attach(const upstream_route& route, bool fresh, std::function<void(std::string)> ready);
    // dlv is gone or is to be left alone; every view is told.
    void detach(std::string reason);
    std::function<void(std::string)> on_lost;  // the connection to dlv broke by itself
    std::function<void()> before_exit;         // the program has exited, and nobody has been told yet

    // Before attach(): what an earlier gateway knew is known again, and from now on that is kept there. It outlives this.
    void remember_in(session_memory& memory);
    void remember();        // breakpoints may be others
    // Whether what an earlier gateway knew is surely about this program. Valid once attach() has called `ready`.
    bool same_program() const { return same_program_; }
    std::string another_program_words() const;
    // From now on people leave because the gateway ends: they are remembered as being here. What they do is remembered as before.
    void begin_to_end() { ending_ = true; }
    void remember_baton();  // it may be another's
    void remember_told();   // who knows of the stop may be others

    // --- who is here ------------------------------------------------------------------------------
    const std::string& name() const { return name_; }
    bool full() const { return viewers_.size() >= settings_.max_viewers; }
    void join(viewer& v);
    void leave(viewer& v);
    // leave() for somebody who may not be here any more: what was asked for and has not begun is not done,
    // the user's breakpoints go at once, and the target is not left standing on their account: where nobody
    // else is here, it goes on.
    void expel(viewer& v);
    std::vector<const viewer*> viewers() const;
    bool is_here(const viewer& v) const { return find(v) != nullptr; }
    void notice(const std::string& text, const std::function<bool(const viewer&)>& whom);
    // Who may run the target, one at a time.
    hub_baton& baton() { return baton_; }
    const hub_baton& baton() const { return baton_; }
    // What people know of each other.
    hub_roster& roster() { return *roster_; }
    const hub_roster& roster() const { return *roster_; }
    std::chrono::system_clock::time_point since(const viewer& v) const;  // of somebody who is here
    // The stop that is held on purpose, and the names of stops.
    hub_park& park() { return park_; }
    const hub_park& park() const { return park_; }
    // Why a request of this view that would move the target is refused now; empty: it is not, or joins a run.
    std::string not_your_turn(const viewer& v) const;
    // The same of one that is refused by it, if not empty: counted.
    std::string turn_refusal(const viewer& v) { return baton_refused(not_your_turn(v)); }
    // Whether somebody waits to run the target, and for looks to be done.
    bool impatient() const { return desk_.in_flight() > 0 && (!jobs_.empty() || desk_.waits()); }
    // Who is served at once; the others take turns.
    bool drives(const viewer& v) const;
    fair_turns& turns() { return turns_; }
    dap_windows& windows() { return *windows_; }
    // Where more than one is here, dlv's answers at this stop are kept for the others.
    look_answers* answers() { return viewers_.size() > 1 ? &answers_ : nullptr; }
    look_answers& kept_answers() { return answers_; }
    void ask_again(std::vector<look_answers::waiter> waiting);

    // --- the truth --------------------------------------------------------------------------------
    phase now() const { return phase_; }
    const stop& last_stop() const { return stop_; }  // valid while stopped
    std::int64_t exit_status() const { return exit_status_; }
    std::string exit_error() const;                  // dlv's words for every request after the exit
    std::string running_words() const;               // "alice runs the program since 14:03:11 UTC"
    std::chrono::system_clock::time_point running_since() const { return run_.since; }
    const std::string& down_reason() const { return down_reason_; }
    const upstream_route& route() const { return route_; }
    // Replies of dlv that hold for the whole process: GetVersion, ProcessPid, LastModified, ...; null
    // when dlv does not know the method.
    const std::string* fixed_reply(std::string_view method) const;
    const std::string& dlv_version() const { return dlv_version_; }  // "1.27.1"
    bool told(const viewer& v) const;
    // What has been said to this view by now tells it of the last stop; it knows when it has heard that.
    void tell(const viewer& v);
    void catch_up(const viewer& v);
    // Whether it may mean an earlier stop than this one: the last one it was told of, also by an earlier gateway, is not known
    // to be this. Whoever has been told of no stop by anybody means the one they find.
    bool may_mean_another_stop(const viewer& v) const;
    std::string moved_words() const;  // to somebody who means an earlier stop
    bool alone_at_entry() const { return phase_ == phase::stopped && stop_.entry && viewers_.size() == 1; }
    protocol::json describe() const;

    // --- what is counted --------------------------------------------------------------------------
    session_measures& measures() { return measures_; }
    const session_measures& measures() const { return measures_; }
    std::chrono::steady_clock::duration stood() const { return phase_.stood(); }  // in all, since this gateway came
    struct depths {
        std::size_t jobs = 0, looks = 0, turns = 0;
    };
    depths waiting() const { return {jobs_.size(), desk_.waiting() + queued_looks_.size(), turns_.size()}; }

    // --- looks ------------------------------------------------------------------------------------
    // `go` is called when the target stands still, nobody waits to run it and it is this one's turn, and must be followed by
    // one end_look(v). `refused` instead, with the reason, when it runs or is gone.
    void look(viewer& v, std::function<void()> go, std::function<void(std::string)> refused);
    void end_look(const viewer* v);
    // A JSON-RPC look on one of the shared connections; end_look() is called by the hub.
    void rpc_look(viewer& v, std::string_view method, std::string params, reply_sink& sink,
                  std::function<void(std::string)> refused);
    void forget_look(reply_sink& sink);  // the sink's owner goes away
    void resume_look(reply_sink& sink);  // it can take more pieces
    // Replies that depend on the image only, for the time when the target runs.
    const std::string* cached(std::string_view method, std::string_view params) const;
    void cache(std::string_view method, std::string_view params, std::string reply);

    // --- runs -------------------------------------------------------------------------------------
    void run(viewer& v, run_order order, on_end end);
    void go_on(std::string by = {});  // from where it stands, on no view's behalf
    void halt(viewer& v, on_end end);
    // Whether the same request by this view now would move the target, or only join what goes on.
    bool would_resume(const viewer& v) const {
        return phase_ == phase::stopped && (told(v) || alone_at_entry());
    }
    bool would_halt() const { return phase_ == phase::running || run_pending(); }
    bool about_to_run() const { return run_pending(); }
    void wait_for_stop(viewer& v, on_end end);  // at once when it does not run
    void restart(viewer& v, std::string params, std::function<void(const rpc_outcome&)> done);

    // --- work that needs dlv for itself -------------------------------------------------------------
    using work = std::function<asio::awaitable<void>()>;
    using refusal = std::function<void(std::string)>;
    // Breakpoints: while the target runs it is halted for the work and goes on, and nobody is told.
    // But a step is not halted for it (hub_patience.cpp): it waits, `patient` as long as the step lasts.
    void change(viewer* v, work w, refusal refused, bool patient = false);
    // While it stands still only. With `drives` it decides what the target does next: for who has the baton.
    void alone(viewer& v, work w, refusal refused, bool drives = false);
    // The same on nobody's behalf, at whatever stop; refused, and not done, when it runs before its turn.
    void at_rest(work w, refusal refused);
    // Runs code in the debuggee through other means than the door (a DAP window): a run for everybody.
    void call(viewer& v, work w, refusal refused);
    // For use inside work: one request on the door.
    asio::awaitable<rpc_outcome> door(std::string_view method, std::string params);
    // For use inside work: the state has changed without a run (Set, a selection); ask again.
    asio::awaitable<void> refresh_state();
    // This view has written into the program, which did not run for that: the others look again.
    void values_changed(const viewer& by);

    // What this view asked for and what has not begun is answered with the reason instead of being done;
    // `all`: what it waits for, too.
    void withdraw(viewer& v, const std::string& reason, bool all);

    // Whether something is being done at dlv, or waits for that.
    bool working() const { return job_active_ || !jobs_.empty(); }

    breakpoint_board& breakpoints() { return breakpoints_; }
    const breakpoint_board& breakpoints() const { return breakpoints_; }
    // What hit where in the last stop.
    const thread_hits& hits() const { return hits_; }
    // dlv's last ListBreakpoints reply, true while the program runs too.
    const std::string& breakpoint_list() const { return breakpoint_list_; }
    // For use inside work, ids being those of wishes. Clears one, at dlv too where nobody else wants it.
    asio::awaitable<void> clear_breakpoint(std::int64_t id);
    // CreateBreakpoint or CreateWatchpoint for that person: at dlv, or where others' are already. The result is what that
    // method replies.
    asio::awaitable<rpc_outcome> place_breakpoint(const breakpoint_wish& wished, std::string method, protocol::json arguments);
    // Makes the wish of that id the other, which keeps its place. Empty, or why dlv would not have it.
    asio::awaitable<std::string> amend_breakpoint(std::int64_t id, const breakpoint_wish& wished);
    // Whether it stays when its owner leaves. Who may is the caller's to judge (pins.h).
    void pin_breakpoint(std::int64_t id, bool stays);
    // Those that this user has left, pinned or not, go. How many they are.
    std::size_t clear_left_by(const std::string& user);
    asio::awaitable<void> clear_site(std::int64_t id);  // one of dlv's, whoever wants it
    // At which of dlv's exceptions this view wants to stop; dlv is told by keep_exceptions(), at the latest when it stands next.
    void want_exceptions(const viewer& v, std::set<std::string> names);
    bool offers_exceptions() const { return exceptions_offered_; }
    std::set<std::string> exceptions_of(const viewer& v) const;
    asio::awaitable<void> keep_exceptions();

    void output(std::string_view category, std::string_view text);

    // How long it may be kept from its duty, and what is done then.
    hub_budget& budget() { return budget_; }
    const hub_budget& budget() const { return budget_; }

    asio::io_context& context() { return context_; }

private:
    friend class hub_budget;
    friend class hub_outsiders;
    friend class hub_roster;
    enum class motion { still, resuming, free, halting, held, concluding };
    struct entry {
        viewer* v = nullptr;
        std::uint64_t told = 0;
        std::uint64_t told_by = 0;  // with so many bytes said
        std::chrono::system_clock::time_point since;
        std::uint64_t knows = 0;    // the stop that an earlier gateway told it of
    };
    struct waiter {
        viewer* v = nullptr;
        on_end end;
    };
    struct job {
        viewer* v = nullptr;
        enum class when { stopped, running_too, exited_too } allowed = when::stopped;
        work w;
        refusal refused;
        std::function<void()> joins;  // of a run: what it becomes when the target runs already
        bool patient = false;         // no step is given up for it
    };
    struct look_slot;

    entry* find(const viewer& v);
    const entry* find(const viewer& v) const;
    std::string gone_reason() const;
    // Everybody who is here, of whom any may leave while another one is told something.
    void tell_all(const std::function<void(viewer&)>& what);
    void wait(viewer& v, on_end end);

    void pump();
    bool awaits_step();
    void lose_patience();
    void limit_call();
    asio::awaitable<void> give_up_step(target_state& state);
    bool halted_outside(const target_state& state, const std::string& error, bool passes) const;
    void start_job(job j);
    std::string not_here_and_now(const viewer& v);
    // Every refusal for somebody else's baton passes here, the empty one too, which is none.
    std::string baton_refused(std::string why);
    job at_this_stop(viewer& v, work w, refusal refused);
    job driven(viewer& v, work w, refusal refused);
    bool run_pending() const;
    bool stands_for(const std::string& user) const;
    void go_on_without(const std::string& user);
    bool only_pins_stopped_it() const;
    std::string abandoned_by_;
    void halt_early_ones();
    asio::awaitable<void> run_job(job j);
    void refuse_jobs_unfit();
    bool looks_admitted() const;
    void release_looks();
    void watch_desk();
    std::optional<fair_turns::clock::time_point> others_wait(fair_turns::clock::time_point since) const;
    void refuse_looks(const std::string& reason);
    void refuse_looks_in_turn();
    struct queued_look {
        viewer* v;
        std::string method, params;
        reply_sink* sink;
        std::string key;  // of its answer; empty: it is its own
        std::function<void(std::string)> refused;
    };
    void ask_slot(queued_look q);
    void start_waiting_looks();
    void drop_queued(const std::function<bool(const queued_look&)>& which);
    void tell_running(const std::string& by, const viewer* runner);
    void tell_stop(viewer& v, const std::shared_ptr<const stop>& at, const std::vector<waiter>& due);
    void tell_of_stop();
    std::vector<viewer*> everybody() const;
    void hurry_looks();

    asio::awaitable<void> start_run(viewer* v, std::string by, run_order order, std::uint64_t stop_number, on_end end);
    void resume(std::string command);
    void send_halt();
    void retry_halt();
    void maybe_conclude();
    asio::awaitable<void> conclude();
    asio::awaitable<void> become_stopped(target_state state, stop_cause cause, std::string error);
    void announce_stop();
    void become_exited(std::int64_t status);
    asio::awaitable<std::string> exception_text(const stop_cause& cause);
    asio::awaitable<protocol::result<target_state>> ask_state(rpc_outcome& out, bool blocking);

    asio::awaitable<void> attach_sequence(bool fresh, std::function<void(std::string)> ready);
    asio::awaitable<std::string> greet();
    asio::awaitable<void> open_keeper();
    void channel_lost(std::string reason);
    asio::awaitable<rpc_outcome> request(rpc_channel& on, std::string_view method, std::string params);
    asio::awaitable<dap_outcome> request(dap_window& on, std::string command, protocol::json arguments);
    void schedule_grace();
    asio::awaitable<void> note_breakpoints(rpc_channel& on);
    asio::awaitable<void> know_program(rpc_channel& on);
    void meet_program(std::int64_t pid);
    asio::awaitable<void> meet_at_rest();
    void forget_breakpoints();
    void find_stop(const target_state& state);
    std::chrono::milliseconds time_to_come_back() const;
    void claim_unfinished(breakpoint_wish& unknown);
    void note_leaver(breakpoint_wish& wish);
    std::string exists_already(const breakpoint_wish& wish, const std::vector<std::int64_t>& sites) const;
    void forget_site(std::int64_t id, const std::string& why);
    void forget_wish(std::int64_t id, const std::string& why);
    asio::awaitable<void> settle_site(std::int64_t id);
    asio::awaitable<std::string> amend_site(std::int64_t id, protocol::json settings);
    asio::awaitable<void> apply_site(std::int64_t id);
    asio::awaitable<std::vector<std::uint64_t>> locate_breakpoint(const protocol::json& arguments);
    asio::awaitable<rpc_outcome> create_breakpoint(std::string method, protocol::json arguments);
    asio::awaitable<bool> make_way(breakpoint_wish& wish, std::vector<std::int64_t> sites);
    asio::awaitable<rpc_outcome> join_breakpoints(const breakpoint_wish& wished, const overlap& there, bool watches);
    asio::awaitable<breakpoint_site> create_at(std::set<std::uint64_t> addresses, protocol::json settings);
    asio::awaitable<std::int64_t> split_site(std::int64_t id, std::set<std::uint64_t> part);
    asio::awaitable<bool> meet_new_process(std::string by, std::map<std::int64_t, std::string>& lost);
    asio::awaitable<void> set_breakpoints_again(std::map<std::int64_t, std::string>& lost, bool rebuilt);
    void put_strangers(const std::map<std::int64_t, protocol::json>& there);
    asio::awaitable<void> drop_ended_watches();
    asio::awaitable<evaluated> evaluate_condition(std::int64_t goroutine, std::string condition);
    asio::awaitable<bool> judge_hits(target_state& state, std::string& error);
    asio::awaitable<void> end_step_at_hit(target_state& state);
    void mark_hits(target_state& state) const;
    void name_hits(stop_cause& cause) const;
    asio::awaitable<void> pass_trace(const thread_state& thread, std::int64_t wish, const std::string& state);
    asio::awaitable<void> switch_off(std::int64_t wish, std::string why);

    asio::io_context& context_;
    std::string name_;
    hub_settings settings_;
    session_measures measures_;

    counted_phase phase_ = phase::down;
    motion motion_ = motion::still;
    std::string down_reason_ = "dlv has not been started";
    stop stop_;
    std::uint64_t stops_ = 0;
    bool at_entry_ = false;
    std::int64_t exit_status_ = 0;
    std::int64_t pid_ = 0;
    active_run run_;

    std::list<entry> viewers_;
    std::vector<waiter> waiters_;
    std::deque<job> jobs_;
    bool job_active_ = false;
    bool run_starting_ = false;      // the active job is a run
    std::uint64_t jobs_done_ = 0;
    std::vector<waiter> early_halts_;  // asked for before the run they mean had begun
    look_desk desk_;
    look_answers answers_;
    fair_turns turns_;
    std::unique_ptr<dap_windows> windows_;
    std::uint64_t told_as_ = 0;  // the stop that a view is being told of

    upstream_route route_;
    std::unique_ptr<rpc_channel> ask_, door_;
    std::vector<std::unique_ptr<rpc_channel>> spare_;  // halts sent again
    std::unique_ptr<dap_window> keeper_;
    bool kept_ = false;
    std::vector<std::unique_ptr<look_slot>> slots_;
    std::deque<queued_look> queued_looks_;

    std::map<std::string, std::string, std::less<>> fixed_;
    std::map<std::string, std::string, std::less<>> image_;
    std::size_t image_bytes_ = 0;
    std::string dlv_version_;
    breakpoint_board breakpoints_;
    thread_hits hits_;
    exception_wishes exceptions_;
    bool exceptions_offered_ = false;  // dlv can switch its own breakpoints off (≥ 1.26)
    std::chrono::steady_clock::time_point resumed_at_, settled_at_, rested_at_;
    std::string breakpoint_list_ = "{\"Breakpoints\":[]}";

    asio::steady_timer halt_timer_, grace_timer_, limit_timer_, desk_timer_{context_};
    hub_budget budget_{*this};
    hub_outsiders outsiders_{*this};
    hub_baton baton_;
    std::unique_ptr<hub_roster> roster_;
    session_memory* memory_ = nullptr;
    session_memory::past past_;
    std::int64_t program_ = 0;   // its process, also of an earlier gateway's time; 0: not known
    bool same_program_ = true;
    bool program_met_ = true;    // false: it has run since dlv was found
    std::uint64_t found_ = 0;    // the stop that is the one of which an earlier gateway told …
    std::set<std::string> knew_; // … these people (person_key)
    bool ending_ = false;
    hub_park park_{*this, settings_.longest_park};
    std::uint64_t generation_ = 0;  // of the connection to dlv: late answers of an older one are dropped
};

}  // namespace gateway
