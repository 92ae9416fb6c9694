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

namespace gateway {

class endpoints final : public directory {
public:
    // `refused_replies` counts what went beyond limits.rpcReply and dapReply; it outlives this.
    endpoints(asio::io_context& context, const config& configuration, std::uint64_t& refused_replies);

    void start();
    void start_again();  // those whose dlv is not there
    // Ends every component for good; `done` once nothing of ours is left running.
    void stop(std::function<void()> done);

    verdict open(const caller& who, std::string_view component, stream_peer& peer,
                 std::unique_ptr<stream_user>& user) override;
    std::vector<component_summary> list(const auth::identity& who) const override;

    // Everything that is known of the components: of all of them, or of those the identity may see.
    protocol::json status() const;
    protocol::json status(const auth::identity& who) const;

private:
    std::vector<component*> visible(const auth::identity& who) const;
    std::vector<std::unique_ptr<component>> components_;
};

}  // namespace gateway
