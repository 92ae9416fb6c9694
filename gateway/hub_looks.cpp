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
    heard = true;
    if (last) {
        sink = nullptr;
        busy = false;
    }
    bool more = to ? to->piece(bytes, last) : true;
    if (last) {
        owner.end_look();
        owner.start_waiting_looks();
    }
    return more;
}

void hub::look_slot::broken(std::string_view reason) {
    auto* to = std::exchange(sink, nullptr);
    busy = owner.route_.dial && !heard;  // no other look on it: it is about to go
    if (to) to->broken(reason);
    owner.end_look();
}

void hub::rpc_look(viewer& v, std::string_view method, std::string params, reply_sink& sink,
                   std::function<void(std::string)> refused) {
    look(
        v,
        [this, &v, method = std::string(method), params = std::move(params), &sink] {
            queued_looks_.push_back({&v, method, params, &sink});
            start_waiting_looks();
        },
        std::move(refused));
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
        slot.channel.stream(q.method, q.params, slot);
    }
}

void hub::forget_look(reply_sink& sink) {
    for (auto& s : slots_) {
        if (s->sink != &sink) continue;
        s->sink = nullptr;
        s->channel.resume();
    }
    std::erase_if(queued_looks_, [&](auto& q) {
        if (q.sink != &sink) return false;
        --looks_;
        return true;
    });
}

void hub::resume_look(reply_sink& sink) {
    for (auto& s : slots_)
        if (s->sink == &sink) s->channel.resume();
}

}  // namespace gateway
