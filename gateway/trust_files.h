// The files that say who the gateway is and whom it believes, as the configuration names them: read at
// the start, and again whenever they change.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "auth/tls.h"
#include "auth/trust.h"
#include "gateway/authority.h"
#include "gateway/config.h"
#include "gateway/live_files.h"

namespace gateway {

class trust_files {
public:
    // `own`: the gateway's certificate and key, and the CA of clients that have no prefix (files.ca; empty:
    // there is none). Further CAs, lists and revocations are the configuration's.
    trust_files(boost::asio::io_context& io, client_authority& identities, const config& configuration,
                auth::tls_files own);

    // Everything, for the start; the error is for the person who starts the gateway. The context's
    // clients are judged by the authority.
    auth::outcome<auth::ssl_ctx> load();
    // From now on changed files take effect; `use` gets a context whenever certificate or key are new.
    void follow(std::function<void(auth::ssl_ctx)> use);

    // For further items, such as a policy; add them before follow().
    live_files& files() { return files_; }
    const live_files& files() const { return files_; }
    // {"files","revoked","shownOut","warnings"} of `delvegate status`.
    protocol::json describe() const;

private:
    auth::outcome<void> load_ca(std::size_t index);
    auth::outcome<void> load_revocations();

    client_authority& identities_;
    const auth::tls_files own_;
    const std::string revocations_;
    std::vector<auth::client_ca> wanted_;
    std::vector<std::shared_ptr<const auth::trusted_ca>> loaded_;
    live_files files_;
};

}  // namespace gateway
