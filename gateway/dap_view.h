// A DAP client's view of the session: VS Code, Neovim, and whatever speaks the protocol.
//
// Runs, breakpoints and events are the hub's; stacks, variables and evaluations come from a window of
// its own at dlv, in Delve's own form and under the client's own settings (design §5.1).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/dap_windows.h"
#include "gateway/log_message.h"
#include "gateway/view_base.h"
#include "protocol/dap.h"

namespace gateway {

class dap_view final : public view_base, public response_sink, public window_user {
public:
    dap_view(hub& h, const permissions& rights, stream_peer& peer, caller who, view_limits limits, std::string session);
    void start();  // joins the session; once, right after construction
    void close() override;

    void received(std::string_view bytes) override;
    void writable() override;
    void ended() override;

    // viewer
    bool speaks_dap() const override { return true; }
    void on_moving() override {
        if (!window_) return;
        window_->marks.retire();
        window_->owners.forget();
    }
    void on_running(std::string_view by, const viewer* runner) override;
    void on_stop(const stop& at) override;
    void on_exit(std::int64_t status) override;
    void on_restart(std::string_view by) override;
    void on_output(std::string_view category, std::string_view text) override;
    std::string ide() const override;
    asio::awaitable<std::optional<std::string>> log_text(const thread_state& thread, const breakpoint_wish& at) override;
    void on_log(std::string_view text, std::int64_t goroutine, const breakpoint_wish& at) override;
    void on_lost(std::string_view reason) override;
    void on_notice(std::string_view text) override;
    void on_values_changed() override;

    void lost_breakpoint(std::int64_t id, const std::string& why) override;

    // response_sink
    bool begin(std::uint64_t rest) override;
    bool piece(std::string_view bytes, bool last) override;
    void sent() override { look_is_sent(); }
    void broken(std::string_view reason) override;

    // window_user
    const viewer& as_viewer() const override { return *this; }
    void window_event(std::string_view event, const protocol::json& body) override;
    void window_closed(const std::string& reason) override;
    void window_lost() override;

private:
    // The gateway's own error ids, where Delve has none (service/dap/error_ids.go).
    // Delve's own error ids (service/dap/error_ids.go).
    static constexpr int unable_to_look = 2009;
    static constexpr int unable_to_halt = 2010;
    static constexpr int unable_to_set = 2012;
    static constexpr int failed_to_attach = 3001;
    static constexpr int debuggee_is_running = 4000;
    // Ours.
    static constexpr int refused_by_gateway_id = 4100;
    static constexpr int not_allowed_id = 4101;

    using request = protocol::dap_request;
    using judged = protocol::judged;
    struct wanted_breakpoint;

    std::shared_ptr<dap_view> self() { return std::static_pointer_cast<dap_view>(shared_from_this()); }
    void process() override;
    void acknowledge() override;
    void handle(request r);
    void take(request r);
    void serve(const request& r, judged j);
    void answer_local(const request& r, const judged& j);
    void initialize(const request& r, const judged& j);
    void attach(const request& r, const judged& j);
    void finish_attach(const request& r);
    void configuration_done(const request& r);
    void disconnect(const request& r);
    void run(const request& r, const judged& j);
    void pause(const request& r);
    void look(const request& r, judged j);
    bool answer_without_looking(const request& r);
    void ask_hub(const request& r, const judged& j);
    void forward(const request& r, const judged& j);
    bool answer_configuration(const request& r, const judged& j);
    void send_kept();
    std::size_t most_kept() const;
    void fail_kept();
    void end_look();
    bool stale(const request& r, const protocol::json& arguments);
    void call(const request& r, judged j);
    std::optional<std::string> writes_elsewhere(const request& r, const protocol::json& arguments) const;
    std::int64_t goroutine_of(const protocol::json& arguments) const;
    void answer_call();
    void release();

    // dap_rights.cpp: what the person may do
    void revoked(const std::string& reason) override;
    void regranted(protocol::class_set before) override;
    bool refused_for_rights(const request& r, const judged& j);  // and answered
    protocol::json capabilities_now() const;
    // Of each breakpoint of a request: empty, or why this person may not have it.
    std::vector<std::string> breakpoint_refusals(const judged& j) const;
    bool sets_any(const judged& j) const;
    bool answer_breakpoints_at_once(const request& r, const judged& j);

    // dap_breakpoints.cpp
    void set_breakpoints(const request& r, judged j);
    asio::awaitable<protocol::json> change_breakpoints(std::string command, judged j);
    std::string group_of(std::string_view command, const protocol::json& arguments) const;
    asio::awaitable<protocol::json> place(wanted_breakpoint want);
    asio::awaitable<std::string> locate(wanted_breakpoint& want);
    asio::awaitable<protocol::json> amend(std::int64_t id, const wanted_breakpoint& want);
    breakpoint_wish wish_for(const wanted_breakpoint& want) const;
    asio::awaitable<protocol::json> exception_breakpoints(const protocol::json& arguments);
    asio::awaitable<void> drop_unclaimed();
    protocol::json shown(const breakpoint_wish& wish, std::string_view problem) const;

    // dap_through.cpp: the window at dlv
    std::string window_key() const;
    void take_window();
    void leave_window();
    void change_settings(const judged& j);
    // Calls `go` when the window has said attach to dlv; only while the target stands.
    void with_window(std::function<void(std::string error)> go);
    asio::awaitable<dap_outcome> ask_window(std::string command, protocol::json arguments);

    void respond(const request& r, const protocol::json& body);
    void fail(const request& r, int id, std::string_view summary, std::string_view detail, bool show = true);
    void fail_large(const request& r);
    void fail_running(const request& r);
    void event(std::string_view name, const protocol::json& body);
    void console(std::string_view text);
    void type_to_delvegate(const request& r);
    void tell_stop(const stop& at);
    void tell_last_stop();
    void welcome();
    bool may_have(const breakpoint_wish& at) const;
    std::uint64_t stops_told_ = 0;
    void done();
    void end_session(std::string_view reason);
    void last_words(std::string_view reason) override;
    void tell_person(const std::string& line) override;

    struct open_request {
        std::string command;
        audit_operation audited{};
    };
    std::map<std::int64_t, open_request> open_;  // not answered yet, by seq
    bool recording_ = false;                     // the last one waits for its intent to be on disk
    audit_operation look_audited_{};
    audit_operation take_open(std::int64_t seq);
    void refuse_malformed(const std::string& fault);
    protocol::frame_decoder frames_;
    std::int64_t next_seq_ = 1;
    bool busy_ = false;
    bool in_process_ = false;
    std::size_t owed_ = 0;  // bytes received, not yet acknowledged

    bool attached_ = false;     // the client's attach was answered
    bool configured_ = false;   // configurationDone too: events flow
    std::uint64_t output_from_ = 0;  // what the program prints from there on it has been told of
    bool terminated_ = false;   // the client was told that the session is over
    protocol::json attach_arguments_;
    bool stop_on_entry_ = false;
    bool exception_filters_ = false;  // dlv offers some (≥ 1.26)
    protocol::json offered_;      // dlv's capabilities, without those the gateway does not offer
    bool initialized_ = false;
    bool labels_shown_ = false;   // thread names may show what the program set

    std::shared_ptr<shared_window> window_;  // null: taken at the next look
    std::string taken_as_;                   // its key
    protocol::json initialize_arguments_;
    // What the IDE has of frames and variables is another window's, until it has asked for a stack.
    bool blank_ = false;
    bool other_rights_ = false;    // than those it was taken with
    bool tell_again_ = false;      // when the look has been answered
    bool window_stopped_ = false;  // a call through the window ended in a stop
    bool invalidates_ = false;       // the IDE knows the event

    // The look whose response is passing through.
    request look_request_;
    bool looking_ = false, paused_ = false;
    std::optional<std::string> keeping_;  // its operation: the response is kept, to be sent with other paths
    std::string kept_;
    std::optional<std::pair<request, dap_outcome>> called_;  // what a call gave, until it is over for everybody
    bool calling_ = false;
    std::shared_ptr<view_base> until_looked_;  // itself, when the IDE went away in the middle of a look
};

}  // namespace gateway
