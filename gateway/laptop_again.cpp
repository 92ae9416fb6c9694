// A session on the laptop whose gateway is gone, with all it knew: another one is asked to make the view anew.
#include <algorithm>
#include <utility>

#include "gateway/laptop_session.h"

namespace gateway {
namespace {

using std::chrono::system_clock;

constexpr std::chrono::milliseconds first_pause{250};
constexpr std::chrono::milliseconds longest_pause{5'000};
// For a component that its new gateway does not have yet, and for a gateway that does not take our certificate: something
// else may be in between that has no gateway behind it yet.
constexpr std::chrono::milliseconds unlikely_time{30'000};

}  // namespace

void laptop_session::link_forgotten(std::string_view reason) {
    stream_ = nullptr;
    owed_ = 0;
    if (closed_) return;
    if (again_) return ask_again_later(reason);
    if (!decided_ || !reads_ || finishing_ || ide_ended_) return link_lost(reason);
    if (const auto why = talk_.hindrance(); !why.empty())
        return break_off(std::string(reason) + "; the view cannot be rebuilt: " + why);
    const auto now = system_clock::now();
    // A gateway that dies while it rebuilds the view does not prolong the time.
    if (!std::exchange(rebuilding_, false)) until_ = now + link_.keep_time();
    unlikely_until_ = now + unlikely_time;
    pause_ = first_pause;
    again_ = true;
    talk_.gateway_gone();
    ask_again();
}

void laptop_session::ask_again() { link_.open(std::string(component_), shared_from_this(), {}, true); }

std::string laptop_session::too_late(std::string_view reason) const {
    return "there was no way back to the gateway within " + std::to_string(link_.keep_time().count()) + " s: " + std::string(reason);
}

void laptop_session::ask_again_later(std::string_view reason) {
    if (closed_ || finishing_) return;
    const auto now = system_clock::now();
    const auto trouble_now = link_.last_trouble();
    const bool unlikely = trouble_now == trouble::certificate && !link_.up();
    if (now >= until_) return break_off(too_late(reason));
    if ((unlikely && now >= unlikely_until_) || (trouble_now == trouble::expelled && !link_.up()))
        return break_off(std::string(reason));
    // Its gateway is not back yet.
    if (!unlikely && !link_.up()) unlikely_until_ = now + unlikely_time;
    if (!deadline_) deadline_.emplace(socket_.get_executor());
    deadline_->expires_after(std::min<system_clock::duration>(pause_, until_ - now));
    pause_ = std::min(pause_ * 2, longest_pause);
    deadline_->async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        const auto self = weak.lock();
        if (!ec && self && self->again_ && !self->closed_ && !self->finishing_) self->ask_again();
    });
}

void laptop_session::decided_again(const verdict& said) {
    if (!said.accepted) {
        stream_ = nullptr;
        const bool may_come = said.code == "starting" || said.code == "not-running" || said.code == "draining" || said.code == "busy";
        if (may_come && system_clock::now() < unlikely_until_) return ask_again_later(said.reason);
        return break_off(said.reason);
    }
    if (closed_ || finishing_) return;
    if (!said.rebuilds) return break_off("the gateway was restarted, and does not rebuild views of " + said.component);
    if (said.user != user_)
        return break_off("the gateway was restarted, and takes you for " + said.user + " now; the session is " + user_ + "'s");
    // A laptop that slept may come back long after the gateway has forgotten whose breakpoints there were.
    if (system_clock::now() >= until_) return break_off(too_late("the gateway was restarted"));
    // The IDE may have begun something meanwhile of which nothing is kept.
    if (const auto why = talk_.hindrance(); !why.empty()) return break_off("the gateway was restarted; the view cannot be rebuilt: " + why);
    again_ = false;
    rebuilding_ = true;
    talk_.begin_again();
    read();
}

void laptop_session::rebuilt() {
    if (std::exchange(rebuilding_, false)) owner_.rebuilt();
}

void laptop_session::not_rebuilt(const std::string& reason) {
    if (reason.empty()) {
        leave_stream();
        return finish();
    }
    break_off("the gateway was restarted, and the view cannot be rebuilt: " + reason);
}

void laptop_session::break_off(const std::string& reason) {
    if (closed_ || finishing_) return;
    owner_.cut_off(reason);
    again_ = rebuilding_ = false;
    talk_.end(reason);
    leave_stream();
    finish();
}

void laptop_session::stop_reading() {
    if (!std::exchange(reads_, false)) return;
    to_gateway(talk_.release());
}

}  // namespace gateway
