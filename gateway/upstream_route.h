// How a connection to dlv is had: by dialling its address, or by asking somebody who hands over a connected
// descriptor (the launcher, for a dlv that this process may not reach by itself).
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "launcher/dlv_address.h"
#include "launcher/fd.h"
#include "launcher/outcome.h"

namespace gateway {

// A connected stream socket on which dlv's protocols are spoken, or one line why there is none. Called once at most,
// from the event loop, never from inside the dial.
using dialled = std::function<void(launcher::outcome<launcher::unique_fd>)>;

struct upstream_route {
    upstream_route() = default;
    upstream_route(launcher::dlv_address to) : address(std::move(to)) {}  // NOLINT: an address is a route
    // `who` hands the descriptors over, in words: "the launcher".
    upstream_route(std::string who, std::function<void(dialled)> by) : dial(std::move(by)), broker(std::move(who)) {}

    launcher::dlv_address address;            // dialled, when there is no `dial`
    std::function<void(dialled)> dial;        // asked once for each connection
    std::string broker;

    // "127.0.0.1:2345", or who hands the descriptors over.
    std::string words() const { return dial ? broker : to_string(address); }
    // Whether a connection that ended unheard may be TCP's doing, and is worth dialling again.
    bool may_be_turned_away() const { return !dial && address.how == launcher::dlv_address::kind::tcp; }
};

}  // namespace gateway
