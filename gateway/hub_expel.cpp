// Somebody who may not be here any more is shown out, and nothing of theirs stays.
#include <algorithm>

#include "gateway/component_log.h"
#include "gateway/hub.h"
#include "protocol/printable.h"

namespace gateway {

// Whether the target stands where it does because of that user: they ran or halted it last, or it is their
// breakpoint. A program that panicked, or that has not been begun, stands on its own account.
bool hub::stands_for(const std::string& user) const {
    if (phase_ != phase::stopped || stop_.entry || stop_.cause.reason == "exception") return false;
    if (stop_.by == user) return true;
    const auto& hit = stop_.cause.hit_breakpoints;
    return std::any_of(hit.begin(), hit.end(), [&](std::int64_t id) {
        const auto found = breakpoints_.all().find(id);
        return found != breakpoints_.all().end() && found->second.user == user;
    });
}

void hub::expel(viewer& v) {
    const std::string user = v.who().who.user;
    const bool stands = stands_for(user);
    // Not a word to v: the view answers for itself.
    std::erase_if(jobs_, [&](const job& j) { return j.v == &v; });
    leave(v);
    halt_early_ones();
    const bool nobody = viewers_.empty();
    if (phase_ == phase::running) {
        const auto& all = breakpoints_.all();
        const bool involved = run_.by == user || run_.halted_by == user ||
                              std::any_of(all.begin(), all.end(), [&](const auto& b) { return b.second.user == user; });
        if (involved) {
            run_.abandoned = true;
            abandoned_by_ = user;
        }
        // A halt that is on its way was theirs: it becomes one of the hub's own, which goes on by itself.
        if (nobody && run_.halted_by_person && run_.halted_by == user) {
            run_.halted_by_person = false;
            run_.halted_by_hub = true;
            run_.halted_by.clear();
        }
    }
    clear_left_by(user);
    if (stands && nobody) return go_on_without(user);
    if (stands)
        component_log(name_).warn("the program was stopped for {}, who was shown out; it stays stopped for those who are here", protocol::printable(user));
    else if (phase_ == phase::stopped && nobody)
        component_log(name_).warn("{} was shown out; the program stays {}, which was not on their account", protocol::printable(user),
                   stop_.entry ? std::string("at its entry") : "stopped (" + protocol::printable(stop_.cause.reason) + ")");
}

std::size_t hub::clear_left_by(const std::string& user) {
    const auto left = breakpoints_.orphans_of(user);
    // Where dlv is not there now, they go when it is, as those whose time is over.
    for (const auto id : left) {
        auto* w = breakpoints_.find(id);
        w->pinned = false;
        w->left_at = {};
    }
    if (!left.empty() && phase_ != phase::down && phase_ != phase::starting)
        change(
            nullptr,
            [this, user]() -> asio::awaitable<void> {
                const auto theirs = breakpoints_.orphans_of(user);
                for (const auto id : theirs) co_await clear_breakpoint(id);
                component_log(name_).info("{} breakpoints of {} are cleared", theirs.size(), protocol::printable(user));
            },
            [](const std::string&) {});
    return left.size();
}

void hub::go_on_without(const std::string& user) {
    component_log(name_).warn("the program stood for {}, who was shown out, and nobody else is here: it goes on", protocol::printable(user));
    go_on();
}

}  // namespace gateway
