#include "gateway/trust_files.h"

#include <utility>

namespace gateway {

using protocol::json;

trust_files::trust_files(boost::asio::io_context& io, client_authority& identities, const config& configuration,
                         auth::tls_files own)
    : identities_(identities), own_(std::move(own)), revocations_(configuration.revocations), files_(io) {
    if (!own_.ca.empty()) {
        auth::client_ca first;
        first.file = own_.ca;
        first.crls = configuration.client_crls;
        first.stale_crl_warns = configuration.stale_crl_warns;
        wanted_.push_back(std::move(first));
    }
    wanted_.insert(wanted_.end(), configuration.client_cas.begin(), configuration.client_cas.end());
}

auth::outcome<auth::ssl_ctx> trust_files::load() {
    for (const auto& one : wanted_) {
        auto ca = auth::trusted_ca::load(one);
        if (!ca) return ca.error();
        loaded_.push_back(std::move(*ca));
    }
    auto all = auth::trust::of(loaded_);
    if (!all) return all.error();
    identities_.trust(std::move(*all));
    if (!revocations_.empty())
        if (auto done = load_revocations(); !done) return done.error();
    return auth::make_server_context(own_, identities_.slot());
}

auth::outcome<void> trust_files::load_ca(std::size_t index) {
    auto ca = auth::trusted_ca::load(wanted_[index]);
    if (!ca) return ca.error();
    auto with_it = loaded_;
    with_it[index] = std::move(*ca);
    auto all = auth::trust::of(with_it);
    if (!all) return all.error();
    loaded_ = std::move(with_it);
    identities_.trust(std::move(*all));
    return {};
}

auth::outcome<void> trust_files::load_revocations() {
    auto list = auth::load_revocations(revocations_);
    if (!list) return list.error();
    identities_.revoke_by_file(std::move(*list));
    return {};
}

void trust_files::follow(std::function<void(auth::ssl_ctx)> use) {
    files_.add("certificate", {own_.certificate, own_.key}, [this, use = std::move(use)]() -> auth::outcome<void> {
        auto context = auth::make_server_context(own_, identities_.slot());
        if (!context) return context.error();
        use(std::move(*context));
        return {};
    });
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
        const auto& one = wanted_[i];
        std::vector<std::string> paths{one.file};
        paths.insert(paths.end(), one.crls.begin(), one.crls.end());
        const bool first = i == 0 && !own_.ca.empty();
        files_.add(first ? one.name : "clientCAs." + one.name, std::move(paths), [this, i] { return load_ca(i); });
    }
    if (!revocations_.empty()) files_.add("revocations", {revocations_}, [this] { return load_revocations(); });
    files_.start();
}

json trust_files::describe() const {
    json out = json::object{};
    out.set("files", files_.describe());
    out.set("revoked", std::uint64_t{identities_.revoked()});
    out.set("shownOut", identities_.expelled());
    json::array warnings;
    for (const auto& line : identities_.warnings()) warnings.emplace_back(line);
    out.set("warnings", std::move(warnings));
    return out;
}

}  // namespace gateway
