// All components of one gateway: the directory that carriers ask.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/component.h"
#include "gateway/config.h"
#include "gateway/directory.h"
#include "gateway/permissions.h"

namespace gateway {

class endpoints final : public directory {
public:
    // `refused_replies` counts what went beyond limits.rpcReply and dapReply; both outlive this.
    endpoints(asio::io_context& context, const config& configuration, permissions& rights,
              std::uint64_t& refused_replies);

    void record_in(audit_trail& trail);
    // Before start(): what is to outlive this gateway is kept there.
    void remember_in(const std::string& where);
    void start();
    void start_again();  // those whose dlv is not there
    // Who is here stays remembered as being here: they leave because the gateway ends.
    void begin_to_end();
    // Ends every component for good; `done` once nothing of ours is left running.
    void stop(std::function<void()> done);

    verdict open(const caller& who, std::string_view component, stream_peer& peer,
                 std::unique_ptr<stream_user>& user) override;
    std::vector<component_summary> list(const auth::identity& who) const override;

    // The one the caller may see by that name; null: there is none.
    component* find(const auth::identity& who, std::string_view name) const;
    component* named(std::string_view name) const;  // whoever may see it
    // Null where no component is of kind launcher.
    launcher_client* of_launcher() const { return launcher_.get(); }

    // Everything that is known of the components: of all of them, or of those the identity may see.
    protocol::json status() const;
    protocol::json status(const auth::identity& who) const;
    // [{"name","kind","state","detail"}], with {"detached","by","since","deadline"} of kind launcher.
    protocol::json listed(const auth::identity& who) const;

    // IDE connections of all components; see component::list_sessions().
    protocol::json sessions() const;
    std::vector<component*> all() const;
    std::vector<component*> visible(const auth::identity& who) const;  // those that the identity may see
    // Breakpoints of people who may not have them any more go; said whenever that may have changed but for the policy.
    void clear_forbidden();
    // Those that somebody who is not here has left, pinned or not, at all components. How many they are.
    std::size_t clear_left_by(const std::string& user);
    // Ends one at once, its IDE told why; false: there is none of that id.
    bool expel(std::string_view session, std::string_view reason);

private:
    std::unique_ptr<launcher_client> launcher_;  // where there is a component of its kind
    std::unique_ptr<launcher_watch> watch_;
    std::vector<std::unique_ptr<component>> components_;
};

}  // namespace gateway
