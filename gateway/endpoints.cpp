#include "gateway/endpoints.h"

#include <algorithm>
#include <optional>

namespace gateway {

using protocol::json;

endpoints::endpoints(asio::io_context& context, const config& configuration, permissions& rights,
                     std::uint64_t& refused_replies) {
    const auto& all = configuration.components;
    std::optional<launcher_parts> parts;
    if (std::any_of(all.begin(), all.end(), [](auto& c) { return c.how == component_config::kind::launcher; })) {
        launcher_ = std::make_unique<launcher_client>(context, configuration.launcher_socket);
        watch_ = std::make_unique<launcher_watch>(context, *launcher_);
        parts.emplace(launcher_parts{*launcher_, *watch_});
    }
    for (auto& c : all)
        components_.push_back(std::make_unique<component>(context, c, configuration.bounds, rights, refused_replies,
                                                          parts ? &*parts : nullptr));
    rights.on_change([this] {
        for (auto& c : components_) c->permissions_changed();
    });
}

void endpoints::record_in(audit_trail& trail) {
    for (auto& c : components_) c->record_in(trail);
}

void endpoints::remember_in(const std::string& where) {
    for (auto& c : components_) c->remember_in(where + "/" + c->name() + ".journal");
}

void endpoints::start() {
    for (auto& c : components_) c->start();
    if (watch_) watch_->start();
}

void endpoints::start_again() {
    for (auto& c : components_) c->start_again();
}

void endpoints::begin_to_end() {
    for (auto& c : components_) c->begin_to_end();
}

void endpoints::stop(std::function<void()> done) {
    if (watch_) watch_->stop();
    auto left = std::make_shared<std::size_t>(components_.size());
    if (*left == 0) return done();
    auto one_done = [left, done = std::move(done)] {
        if (--*left == 0) done();
    };
    for (auto& c : components_) c->stop(one_done);
}

std::vector<component*> endpoints::visible(const auth::identity& who) const {
    std::vector<component*> seen;
    for (auto& c : components_)
        if (c->admits(who)) seen.push_back(c.get());
    return seen;
}

verdict endpoints::open(const caller& who, std::string_view name, stream_peer& peer,
                        std::unique_ptr<stream_user>& user) {
    auto seen = visible(who.who);
    verdict v;
    v.component = name;
    if (seen.empty()) {
        // The same words whether the component exists or not: a stranger learns nothing.
        v.code = "not-authorized";
        v.reason = "not authorized: " + who.who.user +
                   " is not listed for any component here; ask the gateway's administrator to list this user or "
                   "one of its groups";
        return v;
    }
    if (name.empty() && seen.size() == 1) return seen.front()->open(who, peer, user);
    auto found = std::find_if(seen.begin(), seen.end(), [&](auto* c) { return c->name() == name; });
    if (found != seen.end()) return (*found)->open(who, peer, user);
    std::string names;
    for (auto* c : seen) {
        v.components.push_back(c->name());
        names += (names.empty() ? "" : ", ") + c->name();
    }
    v.code = "no-such-component";
    v.reason = name.empty() ? "which component? Those you may debug here: " + names
                            : "no component " + std::string(name) + " for " + who.who.user +
                                  " here; those you may debug: " + names;
    return v;
}

component* endpoints::named(std::string_view name) const {
    for (auto& c : components_)
        if (c->name() == name) return c.get();
    return nullptr;
}

component* endpoints::find(const auth::identity& who, std::string_view name) const {
    auto* const one = named(name);
    return one && one->admits(who) ? one : nullptr;
}

json endpoints::listed(const auth::identity& who) const {
    json::array all;
    for (auto* c : visible(who)) {
        const auto one = c->summary();
        json row = json::object{
            {"name", one.name}, {"kind", to_string(c->configuration().how)}, {"state", one.state}, {"detail", one.detail}};
        if (auto* life = c->of_launcher()) {
            const auto known = life->status();
            for (const auto* key : {"detached", "by", "since", "deadline"})
                if (const auto* value = known.find(key)) row.set(key, *value);
        }
        all.push_back(std::move(row));
    }
    return all;
}

std::vector<component_summary> endpoints::list(const auth::identity& who) const {
    std::vector<component_summary> all;
    for (auto* c : visible(who)) all.push_back(c->summary());
    return all;
}

json endpoints::status() const {
    json::array all;
    for (auto& c : components_) all.push_back(c->status());
    return all;
}

json endpoints::status(const auth::identity& who) const {
    json::array all;
    for (auto* c : visible(who)) all.push_back(c->status());
    return all;
}

json endpoints::sessions() const {
    json::array all;
    for (auto& c : components_) c->list_sessions(all, true);
    return all;
}

std::vector<component*> endpoints::all() const {
    std::vector<component*> every;
    for (auto& c : components_) every.push_back(c.get());
    return every;
}

void endpoints::clear_forbidden() {
    for (auto& c : components_) c->clear_forbidden();
}

std::size_t endpoints::clear_left_by(const std::string& user) {
    std::size_t count = 0;
    for (auto& c : components_) count += c->session().clear_left_by(user);
    return count;
}

bool endpoints::expel(std::string_view session, std::string_view reason) {
    return std::any_of(components_.begin(), components_.end(),
                       [&](auto& c) { return c->expel(session, reason); });
}

}  // namespace gateway
