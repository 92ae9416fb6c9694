// One component of the configuration: its dlv, and the session that people share.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/config.h"
#include "gateway/directory.h"
#include "gateway/hub.h"
#include "gateway/launched.h"
#include "gateway/permissions.h"
#include "gateway/source_lines.h"
#include "gateway/view_base.h"
#include "launcher/dlv_process.h"

namespace gateway {

class audit_trail;
class debug_stream;

class component {
public:
    // `by_launcher`: needed by kind launcher only; outlives this.
    component(asio::io_context& context, component_config configuration, const limits& bounds,
              const permissions& rights, std::uint64_t& refused_replies, const launcher_parts* by_launcher = nullptr);
    ~component();
    component(const component&) = delete;
    component& operator=(const component&) = delete;

    // Starts dlv, looks at somebody else's and connects, or follows what the launcher says. Failures are kept for those who ask.
    void start();
    void start_again();  // if it is not there
    void begin_to_end() { hub_.begin_to_end(); }
    // For good: ends dlv and the program (kind exec), or leaves a dlv of somebody else alone. `done` is
    // called once nothing of ours is left.
    void stop(std::function<void()> done);

    // Before start(): what is to outlive this gateway is kept in that file, if dlv does.
    void remember_in(const std::string& file);
    // What people do here is recorded there from now on; it outlives this.
    void record_in(audit_trail& trail) { audit_ = &trail; }
    // What the launcher says of it; null: it is not of kind launcher.
    launched* of_launcher() { return launched_.get(); }

    const std::string& name() const { return configuration_.name; }
    const component_config& configuration() const { return configuration_; }
    bool admits(const auth::identity& who) const;
    // The policy is another one: sessions of those who lost the component end, and breakpoints of those
    // who may not have them any more are cleared.
    void permissions_changed();
    verdict open(const caller& who, stream_peer& peer, std::unique_ptr<stream_user>& user);
    // It should be there and is not: its dlv is not; of kind launcher: the launcher says nothing of it, or could not put it back.
    bool down() const;
    component_summary summary() const;
    hub_baton& baton() { return hub_.baton(); }
    hub_park& park() { return hub_.park(); }
    protocol::json status() const;
    // Its IDE connections: {"session","component","user","role","ide","protocol","since"}, "awaySince" while its link is down,
    // and for the node's administrator {"groups","authority","address","client","certificateEnds"}.
    void list_sessions(protocol::json::array& all, bool for_node) const;
    // {"component","state",…}: how things are there, without the people; with `source` also the text of the line where it stands.
    protocol::json session_state(bool source);
    // Whether the policy shows somebody that line.
    static bool shows_source(const auth::grants& rights);
    hub& session() { return hub_; }
    const hub& session() const { return hub_; }
    // Breakpoints of those who may not have them any more, and of those who are away and revoked, are cleared.
    void clear_forbidden();
    // Ends one of them; false: it is not here.
    bool expel(std::string_view session, std::string_view reason);

private:
    friend class debug_stream;

    void start_exec();
    void start_connect();
    void attach_again();
    void watch_process();
    void process_events();
    void watch_output();
    void show_output(int turns = 4);
    void attached(const std::string& error);
    void failed(std::string why);
    void let_wait_no_more();
    std::vector<std::int64_t> forbidden_breakpoints() const;
    bool present();
    std::string who_is_here() const;
    std::size_t places_taken() const;
    void give_way_to(const auth::identity& who);
    view_limits limits_for_views() const;

    asio::io_context& context_;
    component_config configuration_;
    limits bounds_;
    const permissions& rights_;
    std::uint64_t& refused_replies_;
    audit_trail* audit_ = nullptr;
    std::unique_ptr<source_lines> sources_;  // of `sources`; null: there is none
    std::unique_ptr<session_memory> memory_;  // where dlv outlives us
    hub hub_;

    std::unique_ptr<launched> launched_;  // kind launcher
    std::optional<launcher::dlv_process> process_;
    asio::posix::stream_descriptor process_watch_;
    std::optional<launcher::output_reader> output_;
    asio::posix::stream_descriptor output_watch_;
    std::string shown_tail_;  // the beginning of a character whose end has not been printed yet
    bool ready_ = false;      // dlv answers; output is shown from now on
    std::vector<std::string> warnings_;

    std::string failure_;  // why dlv is not there
    std::string attach_error_;  // why one that had come up was ended again
    std::chrono::steady_clock::time_point last_start_{};
    bool stopping_ = false;
    std::function<void()> stopped_;

    std::list<debug_stream*> streams_;
    std::list<std::function<void()>> waiting_;  // streams that came while dlv was starting
};

}  // namespace gateway
