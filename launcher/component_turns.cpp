#include "launcher/component_turns.h"

#include <utility>

namespace launcher {

const std::string* component_turns::in_the_way(const std::string& name) const {
    if (name.empty()) return taken_.empty() ? nullptr : &taken_.begin()->second;
    for (const std::string& one : {std::string(), name})
        if (const auto found = taken_.find(one); found != taken_.end()) return &found->second;
    return nullptr;
}

std::optional<component_turns::turn> component_turns::take(const std::string& name, const std::string& what,
                                                           const std::function<void(const std::string&)>& waiting,
                                                           const std::function<bool()>& give_up) {
    std::unique_lock hold(lock_);
    bool told = false;
    for (;;) {
        if (closed_) return std::nullopt;
        const std::string* other = in_the_way(name);
        if (!other) break;
        if (!std::exchange(told, true)) {
            const std::string busy = *other;
            hold.unlock();
            waiting(busy);
            hold.lock();
            continue;
        }
        changed_.wait_for(hold, std::chrono::milliseconds(250));
        hold.unlock();
        const bool enough = give_up();
        hold.lock();
        if (enough) return std::nullopt;
    }
    taken_.emplace(name, what);
    return turn(this, name);
}

void component_turns::give_back(const std::string& name) {
    const std::lock_guard hold(lock_);
    taken_.erase(name);
    changed_.notify_all();
}

void component_turns::close() {
    const std::lock_guard hold(lock_);
    closed_ = true;
    changed_.notify_all();
}

}  // namespace launcher
