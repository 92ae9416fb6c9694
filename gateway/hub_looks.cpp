#include "gateway/hub_looks.h"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace gateway {

namespace {
// dlv answers looks one after another anyway (its target lock); a few connections let a small one pass
// while a large reply is on its way.
constexpr std::size_t max_slots = 4;
}  // namespace

hub::look_slot::look_slot(hub& h)
    : owner(h), channel(h.context_, h.route_, [this](std::string reason) { lost(std::move(reason)); }) {}

// A further connection that was not handed over, because who does it is not there now, costs its look and nothing else.
void hub::look_slot::lost(std::string reason) {
    auto& slots = owner.slots_;
    const auto mine = std::find_if(slots.begin(), slots.end(), [this](const auto& s) { return s.get() == this; });
    if (!owner.route_.dial || heard || mine == slots.end()) return owner.channel_lost(std::move(reason));
    std::shared_ptr<look_slot> later = std::move(*mine);
    slots.erase(mine);
    asio::post(owner.context_, [later] {});
    owner.start_waiting_looks();
}

bool hub::look_slot::piece(std::string_view bytes, bool last) {
    auto* to = sink;
    const auto* by = v;
    heard = true;
    if (answer.kept() && !answer.add(bytes)) owner.ask_again(owner.answers_.given_up(std::exchange(answer, {}).key()));
    if (last) {
        sink = nullptr;
        busy = false;
        if (auto whole = std::exchange(answer, {}); whole.kept()) {
            const auto key = whole.key();
            owner.ask_again(owner.answers_.answered(key, whole.take()));
        }
    }
    bool more = to ? to->piece(bytes, last) : true;
    if (last) {
        owner.end_look(by);
        owner.start_waiting_looks();
    }
    return more;
}

void hub::look_slot::broken(std::string_view reason) {
    auto* to = std::exchange(sink, nullptr);
    busy = owner.route_.dial && !heard;  // no other look on it: it is about to go
    if (auto none = std::exchange(answer, {}); none.kept()) owner.ask_again(owner.answers_.given_up(none.key()));
    if (to) to->broken(reason);
    owner.end_look(v);
}

void hub::start_waiting_looks() {
    while (!queued_looks_.empty() && door_) {
        auto idle = std::find_if(slots_.begin(), slots_.end(), [](auto& s) { return !s->busy; });
        if (idle == slots_.end()) {
            if (slots_.size() >= max_slots) return;
            slots_.push_back(std::make_unique<look_slot>(*this));
            idle = slots_.end() - 1;
        }
        auto q = std::move(queued_looks_.front());
        queued_looks_.pop_front();
        auto& slot = **idle;
        slot.busy = true;
        slot.sink = q.sink;
        slot.v = q.v;
        slot.answer = passing_answer(q.key);
        slot.channel.stream(q.method, q.params, slot);
    }
}

void hub::forget_look(reply_sink& sink) {
    for (auto& s : slots_) {
        if (s->sink != &sink) continue;
        s->sink = nullptr;
        s->channel.resume();
    }
    drop_queued([&](const auto& q) { return q.sink == &sink; });
}

// Let through, and not asked yet.
void hub::drop_queued(const std::function<bool(const queued_look&)>& which) {
    std::vector<queued_look> dropped;
    std::erase_if(queued_looks_, [&](auto& q) {
        if (!which(q)) return false;
        dropped.push_back(std::move(q));
        return true;
    });
    for (auto& q : dropped) {
        desk_.end(q.v, look_desk::clock::now());
        if (!q.key.empty()) ask_again(answers_.given_up(q.key));
    }
}

void hub::resume_look(reply_sink& sink) {
    for (auto& s : slots_)
        if (s->sink == &sink) s->channel.resume();
}

}  // namespace gateway
