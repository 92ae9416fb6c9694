// Who the gateway's own CA has revoked (`delvegate ca revoke`), told to the authority: at the start, and
// whenever the signer says that something has changed.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/authority.h"
#include "gateway/signer_client.h"
#include "launcher/outcome.h"

namespace gateway {

class signer_revocations {
public:
    // All outlive it.
    signer_revocations(boost::asio::io_context& io, signer_client& from, client_authority& to)
        : io_(io), from_(from), to_(to), again_(io) {}
    signer_revocations(const signer_revocations&) = delete;
    signer_revocations& operator=(const signer_revocations&) = delete;

    // Before the first socket is opened: waits for the list by running `io`, so that a restart lets nobody in
    // who is revoked. The signer has been started.
    launcher::outcome<void> load();
    // Asks anew. While the signer gives no answer, what it said last stays in effect, and it is asked again.
    void ask();

private:
    using heard = std::function<void(const launcher::outcome<void>&)>;
    void ask(heard done);

    boost::asio::io_context& io_;
    signer_client& from_;
    client_authority& to_;
    boost::asio::steady_timer again_;
    bool asking_ = false;
    bool failing_ = false;  // said once, however often it is asked
    bool stale_ = false;  // changed while the question was under way
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
