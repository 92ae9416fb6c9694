// Who wants to stop where the program panics or the runtime gives up. dlv has one switch for each, for everybody.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

namespace gateway {

class viewer;

class exception_wishes {
public:
    // By dlv's names: unrecovered-panic, runtime-fatal-throw.
    void want(const viewer* who, std::set<std::string> names) {
        const auto before = all();
        wanted_[who] = std::move(names);
        changed_ = changed_ || all() != before;
    }
    void forget(const viewer* who) {
        const auto before = all();
        wanted_.erase(who);
        changed_ = changed_ || all() != before;
    }
    const std::set<std::string>* of(const viewer* who) const {
        const auto found = wanted_.find(who);
        return found == wanted_.end() ? nullptr : &found->second;
    }
    // By somebody, or as dlv has it while nobody has said anything.
    bool wanted(const std::string& name) const {
        if (wanted_.empty()) return true;
        for (const auto& [who, names] : wanted_)
            if (names.contains(name)) return true;
        return false;
    }
    // Whether dlv may have to be told.
    bool take_changed() { return std::exchange(changed_, false); }
    void forgotten() { changed_ = true; }  // by dlv, with the process

    static constexpr const char* both[] = {"unrecovered-panic", "runtime-fatal-throw"};

private:
    std::set<std::string> all() const {
        std::set<std::string> out;
        for (const char* name : both)
            if (wanted(name)) out.insert(name);
        return out;
    }
    std::map<const viewer*, std::set<std::string>> wanted_;
    bool changed_ = false;
};

}  // namespace gateway
