// Who waits for whom.
#include "launcher/component_turns.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace launcher {
namespace {

using kind = component_turns::kind;

// Somebody in the line: begins to wait in the constructor, and holds the turn from when it has it until leave().
class person {
public:
    person(component_turns& turns, component_turns::who asks) {
        thread_ = std::thread([this, &turns, asks] {
            const auto turn = turns.take(asks, [this](const std::string& busy) { tell(busy, false); }, [] { return false; });
            if (!turn) return;
            tell({}, true);
            std::unique_lock lock(lock_);
            changed_.wait(lock, [this] { return left_; });
        });
        std::unique_lock lock(lock_);
        changed_.wait(lock, [this] { return has_ || !waits_for_.empty(); });
    }
    ~person() { leave(); }
    void leave() {
        {
            const std::lock_guard lock(lock_);
            left_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable()) thread_.join();
    }
    bool has_it() {
        const std::lock_guard lock(lock_);
        return has_;
    }
    void wait() {
        std::unique_lock lock(lock_);
        changed_.wait(lock, [this] { return has_; });
    }
    std::string waits_for() {
        const std::lock_guard lock(lock_);
        return waits_for_;
    }

private:
    void tell(const std::string& busy, bool has) {
        const std::lock_guard lock(lock_);
        if (!busy.empty()) waits_for_ = busy;
        has_ = has_ || has;
        changed_.notify_all();
    }
    std::mutex lock_;
    std::condition_variable changed_;
    bool has_ = false, left_ = false;
    std::string waits_for_;
    std::thread thread_;
};

component_turns::who gateway(kind how, const std::string& name, const std::string& what) { return {how, false, name, what}; }
component_turns::who root(const std::string& name, const std::string& what) { return {kind::change, true, name, what}; }

TEST(component_turns, what_gives_back_never_waits_for_a_look) {
    component_turns turns;
    person look(turns, gateway(kind::look, "kubelet", "inspect by alice"));
    person next(turns, gateway(kind::look, "kubelet", "inspect by bob"));
    ASSERT_TRUE(look.has_it());
    EXPECT_EQ(next.waits_for(), "inspect by alice");
    person everything(turns, root("", "restore by root"));
    EXPECT_TRUE(everything.has_it());
    // And while it is at it no look begins, on whatever component.
    person later(turns, gateway(kind::look, "kube-proxy", "inspect by carol"));
    EXPECT_EQ(later.waits_for(), "restore by root");
    everything.leave();
    later.wait();
    look.leave();
    next.wait();
}

TEST(component_turns, go_in_the_order_of_their_coming_and_root_first) {
    component_turns turns;
    person first(turns, gateway(kind::change, "kubelet", "start by alice"));
    person second(turns, gateway(kind::change, "kubelet", "stop by alice"));
    person third(turns, gateway(kind::change, "kubelet", "start by bob"));
    ASSERT_TRUE(first.has_it());
    EXPECT_FALSE(second.has_it() || third.has_it());
    // Another component's is not held up, but by everything.
    person other(turns, gateway(kind::change, "kube-proxy", "stop by bob"));
    EXPECT_TRUE(other.has_it());
    person restore(turns, root("", "restore by root"));
    EXPECT_FALSE(restore.has_it());
    first.leave();
    EXPECT_FALSE(second.has_it() || third.has_it() || restore.has_it());
    other.leave();
    restore.wait();
    EXPECT_FALSE(second.has_it() || third.has_it());
    restore.leave();
    second.wait();
    EXPECT_FALSE(third.has_it());
    second.leave();
    third.wait();
}

TEST(component_turns, who_gives_up_is_out_of_the_line) {
    component_turns turns;
    person first(turns, gateway(kind::change, "kubelet", "start by alice"));
    EXPECT_FALSE(turns.take(root("", "restore by root"), [](const std::string&) {}, [] { return true; }));
    person look(turns, gateway(kind::look, "kube-proxy", "inspect by bob"));
    EXPECT_TRUE(look.has_it());
    first.leave();
    EXPECT_TRUE(turns.take(root("", "restore by root"), [](const std::string&) {}, [] { return false; }));
}

}  // namespace
}  // namespace launcher
