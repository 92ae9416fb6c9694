#include "launcher/guard_watch.h"

namespace launcher {

namespace {

using seen = budget_clock::seen;

// States that wait for dlv's lock: with so many the program stands, and something long goes on in dlv.
constexpr std::size_t most_waiting = 16;
constexpr guard_watch::time between_dials{200};
constexpr guard_watch::time first_answer{30'000};  // from the guard's start: dlv reads debug information first
constexpr guard_watch::time until_gone{2'000};     // nobody listens any more
constexpr guard_watch::time turned_away{70'000};   // gateway/upstream.h: default_patience

bool tells_of_an_exit(const std::string& error) {
    return error.starts_with("Process ") && error.find(" has exited with status ") != std::string::npos;
}

}  // namespace

guard_watch::guard_watch(const dlv_address& address, on_seen told, time now)
    : address_(address), told_(std::move(told)), lost_at_(now) {}

void guard_watch::keep_open(time now) {
    if (line_.is_open()) return;
    if (!lost_) {
        lost_ = true;
        lost_at_ = now;
    }
    const time limit = !ever_ ? first_answer : line_.connected() ? turned_away : until_gone;
    if (now - lost_at_ >= limit) {
        gone_ = "dlv does not answer at " + to_string(address_) + " any more";
        return;
    }
    if (now < next_dial_) return;
    next_dial_ = now + between_dials;
    asked_at_ = time(0);
    (void)line_.open(address_);  // tried again
}

void guard_watch::work(time now, time interval) {
    keep_open(now);
    if (!line_.is_open() || (asked_at_ != time(0) && now - asked_at_ < interval)) return;
    asked_at_ = now;
    if (line_.pending() >= most_waiting) return told_(seen::stopped);
    line_.call("RPCServer.State", "{\"NonBlocking\":true}",
               [this](const outcome<protocol::json>& reply) { answer(reply); });
}

void guard_watch::answer(const outcome<protocol::json>& reply) {
    if (!reply) {
        if (!tells_of_an_exit(reply.error())) return;  // lost, or an error that says nothing of it
        lost_ = false;
        ever_ = true;
        return told_(seen::exited);
    }
    lost_ = false;
    ever_ = true;
    const auto* state = reply->find("State");
    if (!state) return;
    if (state->get_bool("exited")) return told_(seen::exited);
    told_(state->get_bool("Running") ? seen::running : seen::stopped);
}

}  // namespace launcher
