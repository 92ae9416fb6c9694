// A JSON-RPC client's view of the session: `dlv connect`, GoLand, and whatever speaks Delve's API.
//
// Requests are taken one after another as dlv takes them: one that is answered by a look, a breakpoint
// change or a write holds back the next, one that Delve handles aside (Command, State, Restart) does not.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/hub.h"
#include "gateway/view_base.h"
#include "protocol/operations.h"
#include "protocol/rpc.h"

namespace gateway {

class rpc_view final : public view_base, public reply_sink {
public:
    rpc_view(hub& h, const permissions& rights, stream_peer& peer, caller who, view_limits limits, std::string session);
    void start();  // joins the session; once, right after construction
    void close() override;

    void received(std::string_view bytes) override;
    void writable() override;
    void ended() override;

    // viewer
    bool speaks_dap() const override { return false; }
    void on_running(std::string_view, const viewer*) override {}
    void on_stop(const stop&) override {}
    void on_exit(std::int64_t) override {}
    void on_restart(std::string_view) override {}
    void on_output(std::string_view, std::string_view) override {}
    std::string ide() const override { return delves_own_ ? "dlv" : "a JSON-RPC client"; }
    asio::awaitable<std::optional<std::string>> log_text(const thread_state&, const breakpoint_wish&) override { co_return std::nullopt; }
    void on_log(std::string_view, std::int64_t, const breakpoint_wish&) override {}
    void on_lost(std::string_view reason) override;
    void on_notice(std::string_view) override {}

    void lost_breakpoint(std::int64_t, const std::string&) override {}

    // reply_sink
    bool piece(std::string_view bytes, bool last) override;
    void sent() override { look_is_sent(); }
    void broken(std::string_view reason) override;

private:
    using request = protocol::rpc_request;
    using judged = protocol::judged;

    std::shared_ptr<rpc_view> self() { return std::static_pointer_cast<rpc_view>(shared_from_this()); }
    void process() override;
    void acknowledge() override;
    void handle(request r);
    void take(request r);
    void begin_look();
    bool asks_by_other_name(std::string_view reply);
    std::string_view in_own_paths(std::string_view bytes, std::string& into);
    void serve(const request& r, judged j);
    void answer_local(const request& r, const judged& j);
    void state(const request& r, const judged& j);
    void breakpoints(const request& r, const judged& j);
    void known_breakpoints(const protocol::json& id);
    void command(const request& r, const judged& j);
    void halt(const request& r);
    void look(const request& r, judged j);
    bool stop_reply(bool last);
    bool answer_while_running(const request& r, const judged& j);
    void breakpoint(const request& r, judged j);
    asio::awaitable<rpc_outcome> change_breakpoint(std::string method, judged j);
    asio::awaitable<rpc_outcome> amend_breakpoint(std::string method, judged j);
    asio::awaitable<rpc_outcome> clear_breakpoint(std::int64_t id);
    asio::awaitable<rpc_outcome> switch_exception(std::string method, judged j);
    breakpoint_reader reader() const { return {.view = this, .user = who_.who.user}; }
    // As this person is to see the breakpoints in it: a result, and the same when it is told apart already.
    std::string shown(std::string result) const;
    void show(protocol::json& result) const;
    bool show_picked(protocol::json& reply);
    void alone(const request& r, judged j);
    void restart(const request& r, const judged& j);

    // rpc_rights.cpp: what the person may do
    void revoked(const std::string& reason) override;
    void regranted(protocol::class_set before) override;
    // Narrows `j` to what may be done; or the reason why nothing may.
    std::optional<std::string> not_allowed(judged& j);
    bool joins_as_it_starts() const;
    std::int64_t breakpoint_named(const judged& j) const;
    std::string without_values(std::string state) const;
    void send_stripped(std::string_view reply);
    // rpc_selection.cpp: the goroutine or thread that this client has selected
    void borrow_selection(const request& r, judged j);
    bool has_own() const;
    bool has_selection() const override { return has_own(); }
    void select_own(protocol::json& arguments) const;
    void select_own(run_order& order) const;
    std::string own_state(const run_end& end) const;
    bool look_at_thread(const request& r, const judged& j);
    asio::awaitable<void> put_back(std::int64_t thread, std::int64_t goroutine);
    bool means_an_earlier_stop(const request& r, const judged& j) const;

    void type_to_delvegate(const request& r, const judged& j);
    void reply(const protocol::json& id, std::string_view result);
    void answer(const protocol::json& id, const rpc_outcome& out);  // of a request that held back others
    void refuse(const protocol::json& id, std::string_view why);
    void refuse_malformed(const std::string& fault);
    void reply_state(const protocol::json& id, const run_end& end);
    void done();  // the request that held back the others is answered
    void answered(const protocol::json& id, std::string_view result);
    audit_operation take_open(const protocol::json& id);
    bool refused_by_dlv(std::string_view last_piece);
    void last_words(std::string_view reason) override;

    struct open_request {
        protocol::json id;
        audit_operation audited{};
    };
    std::vector<open_request> open_;  // not answered yet
    bool recording_ = false;          // the last one waits for its intent to be on disk

    protocol::value_splitter splitter_;
    bool busy_ = false;
    bool in_process_ = false;

    // The look whose reply is passing through.
    bool looking_ = false, paused_ = false;
    protocol::json look_id_;
    bool head_sent_ = false;
    audit_operation look_audited_{};
    std::string reply_tail_;  // its last bytes so far: they tell whether dlv refused
    std::uint64_t reply_size_ = 0;  // bytes of it so far, as the IDE gets them
    bool keep_ = false;  // the reply goes to the image cache too
    std::string kept_, look_method_, look_params_;

    // `dlv connect` halts at its start when the target runs; joining must not (Delve
    // cmd/dlv/cmds/commands.go, connect). Over once it asks for anything a start does not.
    bool starting_ = true;
    bool delves_own_ = false;  // it begins as Delve's own client does
    bool joined_running_ = false;
    std::uint64_t requests_ = 0;
    std::string last_method_;

    std::optional<protocol::path_rewriter> rewriter_;     // of the reply that is passing through
    std::optional<protocol::aliased_request> other_name_;  // of the file that a FindLocation is about
    std::uint64_t answers_ = 0;  // given to requests that wait for a stop, or refused
    std::string location_;       // FindLocation's, when its reply is to be stripped
    std::optional<std::pair<std::int64_t, std::string>> asked_;   // by a GetBreakpoint
    std::optional<std::pair<std::int64_t, std::string>> picked_;  // of a list, GetBreakpoint's id or name
    bool guarding_ = false;      // the reply passing through may hold commands that a client would run
    bool stripping_ = false;     // it is kept, to take those or the values out
    std::string ended_because_;  // of a person who lost the component: the answer to whatever comes
    asio::steady_timer goodbye_;
    // What this client has selected at the stop with that number, as dlv showed it: dlv has only one selection, for
    // everybody, which stays where the stop has put it.
    std::int64_t selected_ = 0;         // goroutine
    std::int64_t selected_thread_ = 0;  // where it is a thread that runs none
    std::uint64_t selected_at_ = 0;
    protocol::json own_thread_, own_goroutine_;
    std::size_t owed_ = 0;  // bytes received, not yet acknowledged
};

}  // namespace gateway
