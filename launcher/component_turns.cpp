#include "launcher/component_turns.h"

#include <algorithm>
#include <utility>

namespace launcher {

const component_turns::ticket* component_turns::in_the_way(std::list<ticket>::const_iterator mine) const {
    bool before = true;
    for (auto other = line_.begin(); other != line_.end(); ++other) {
        if (other == mine) {
            before = false;
            continue;
        }
        const bool together = other->name.empty() || mine->name.empty() || other->name == mine->name;
        if (together && (before || other->taken) && (!other->looks || mine->looks)) return &*other;
    }
    return nullptr;
}

std::optional<component_turns::turn> component_turns::take(const who& asks,
                                                           const std::function<void(const std::string&)>& waiting,
                                                           const std::function<bool()>& give_up) {
    std::unique_lock hold(lock_);
    const auto place = std::find_if(line_.begin(), line_.end(),
                                    [&](const ticket& one) { return asks.root && !one.root && !one.taken; });
    const auto mine = line_.insert(place, ticket{asks.name, asks.what, asks.how == kind::look, asks.root, false});
    const auto leave = [&]() -> std::optional<turn> {
        line_.erase(mine);
        changed_.notify_all();
        return std::nullopt;
    };
    bool told = false;
    for (;;) {
        if (closed_) return leave();
        const ticket* other = in_the_way(mine);
        if (!other) break;
        if (!std::exchange(told, true)) {
            const std::string busy = other->what;
            hold.unlock();
            waiting(busy);
            hold.lock();
            continue;
        }
        changed_.wait_for(hold, std::chrono::milliseconds(250));
        hold.unlock();
        const bool enough = give_up();
        hold.lock();
        if (enough) return leave();
    }
    mine->taken = true;
    return turn(this, mine);
}

void component_turns::give_back(std::list<ticket>::iterator at) {
    const std::lock_guard hold(lock_);
    line_.erase(at);
    changed_.notify_all();
}

void component_turns::close() {
    const std::lock_guard hold(lock_);
    closed_ = true;
    changed_.notify_all();
}

}  // namespace launcher
