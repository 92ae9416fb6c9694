#include "gateway/signer_revocations.h"

#include <optional>
#include <utility>

#include "gateway/log.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

constexpr std::chrono::seconds pause_before_asking_again{1};

}  // namespace

launcher::outcome<void> signer_revocations::load() {
    std::optional<launcher::outcome<void>> said;
    ask([&said](const launcher::outcome<void>& how) { said = how; });
    while (!said && io_.run_one() > 0) {
    }
    io_.restart();
    if (!said) return std::string("the signer does not say who is revoked");
    return *said;
}

void signer_revocations::ask() {
    if (asking_) {
        stale_ = true;
        return;
    }
    ask([this](const launcher::outcome<void>& how) {
        if (how && !std::exchange(stale_, false)) return;
        if (how) return ask();
        if (!std::exchange(failing_, true)) log().warn("{}; what was revoked before stays revoked, asking again", how.error());
        again_.expires_after(pause_before_asking_again);
        again_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
            if (!ec && !alive.expired()) ask();
        });
    });
}

void signer_revocations::ask(heard done) {
    asking_ = true;
    stale_ = false;
    from_.revoked([this, done = std::move(done), alive = std::weak_ptr<char>(alive_)](
                      const auth::issue_result<signer_client::revoked_list>& said) {
        if (alive.expired()) return;
        asking_ = false;
        if (!said) return done("the signer does not say who is revoked: " + protocol::printable(said.error().reason));
        auth::revocations list;
        for (const auto& user : said->users) list.add_user(user);
        for (const auto& [issuer, serial] : said->serials)
            if (!list.add_serial(issuer, serial))
                log().error("the CA's records have a revoked serial that is none: {}", protocol::printable(serial));
        failing_ = false;
        to_.revoke_by_signer(std::move(list));
        done({});
    });
}

}  // namespace gateway
