#include "gateway/fair_turns.h"

#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <utility>

#include "gateway/event_turn.h"

namespace gateway {

void fair_turns::later(const viewer* v, deed what, bool news) {
    queue_.push_back({v, std::move(what), news, clock::now()});
    post();
}

void fair_turns::forget(const viewer& v) {
    std::erase_if(queue_, [&](const turn& t) { return t.v == &v; });
}

void fair_turns::do_those(const std::function<bool(const turn&)>& which) {
    for (;;) {
        const auto next = std::find_if(queue_.begin(), queue_.end(), which);
        if (next == queue_.end()) return;
        const auto what = std::move(next->what);
        queue_.erase(next);
        what();
    }
}

void fair_turns::hurry(const viewer& v) {
    do_those([&](const turn& t) { return t.v == &v; });
}

void fair_turns::catch_up() {
    do_those([](const turn& t) { return t.news; });
}

void fair_turns::post() {
    if (posted_ || queue_.empty()) return;
    posted_ = true;
    const auto go = [this, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        posted_ = false;
        round();
    };
    const auto until = wait_(queue_.front().since);
    if (!until) return boost::asio::post(context_, go);
    timer_.expires_at(*until);
    timer_.async_wait([go](boost::system::error_code) { go(); });
}

void fair_turns::round() {
    const std::weak_ptr<int> alive = alive_;
    const event_turn one_event;
    for (std::size_t n = 0; n < in_a_round && !queue_.empty() && !wait_(queue_.front().since); ++n) {
        const auto what = std::move(queue_.front().what);
        queue_.pop_front();
        what();
        if (alive.expired()) return;
    }
    post();
}

}  // namespace gateway
